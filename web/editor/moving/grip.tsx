/** The handle by which an item is moved, by pointer or by keyboard. */
import type { ReactNode } from 'react';
import { useWording } from '../../app/language.js';
import { useDrag, type Spot } from './drag.js';
import { useLift, type Liftable } from './use-lift.js';

export interface GripProps extends Liftable {
  readonly kind: string;
  readonly id: string;
  readonly drop: (spot: Spot) => void;
}

export function Grip({ kind, id, drop, ...liftable }: GripProps): ReactNode {
  const { t } = useWording();
  const begin = useDrag();
  const { isLifted, onKeyDown, onBlur } = useLift(id, liftable);
  return (
    <button
      type="button"
      className={isLifted ? 'grip lifted' : 'grip'}
      aria-label={t('moveNamed', { name: liftable.name })}
      aria-pressed={isLifted}
      title={t('moveHow')}
      onPointerDown={(event) => begin(event, { kind, id, label: liftable.name, drop })}
      // The focus would open the field, and what lies below would move away from the pointer.
      onMouseDown={(event) => event.preventDefault()}
      onKeyDown={onKeyDown}
      onBlur={onBlur}
    >
      <svg viewBox="0 0 10 16" width="10" height="16" aria-hidden="true">
        {[2, 8, 14].map((y) => (
          <g key={y}>
            <circle cx="2" cy={y} r="1.5" />
            <circle cx="8" cy={y} r="1.5" />
          </g>
        ))}
      </svg>
    </button>
  );
}
