import type { ReactNode } from 'react';
import { useWording } from '../../app/language.js';

export interface MoveButtonsProps {
  readonly name: string;
  /** Undefined where it cannot go further. */
  readonly onUp: (() => void) | undefined;
  readonly onDown: (() => void) | undefined;
}

export function MoveButtons({ name, onUp, onDown }: MoveButtonsProps): ReactNode {
  const { t } = useWording();
  return (
    <>
      <button
        type="button"
        className="icon"
        aria-label={t('upNamed', { name })}
        disabled={onUp === undefined}
        onClick={onUp}
      >
        ↑
      </button>
      <button
        type="button"
        className="icon"
        aria-label={t('downNamed', { name })}
        disabled={onDown === undefined}
        onClick={onDown}
      >
        ↓
      </button>
    </>
  );
}
