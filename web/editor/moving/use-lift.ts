/**
 * Moving by keyboard: Space or Enter on a grip lifts the item, the arrows move it, Space or Enter puts it down, Escape takes
 * it back to where it was. Each step is told to those who listen. The item moves for everybody as it is moved here.
 */
import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import { useWording } from '../../app/language.js';
import { useEditor } from '../editor-context.js';

export interface Liftable {
  readonly name: string;
  /** Where it stands now, for people. */
  readonly place: string;
  readonly up: (() => void) | undefined;
  readonly down: (() => void) | undefined;
  /** @returns puts it back to where it stands now */
  readonly remember: () => () => void;
}

export interface Lift {
  readonly isLifted: boolean;
  readonly onKeyDown: (event: KeyboardEvent) => void;
  readonly onBlur: () => void;
  readonly ref: (element: HTMLElement | null) => void;
}

/** Grips that have to get the focus again: an item that goes to another list is another element there. */
let lifted: { readonly id: string; readonly back: () => void } | undefined;

export function useLift(id: string, { name, place, up, down, remember }: Liftable): Lift {
  const { t } = useWording();
  const { announce } = useEditor();
  const [isLifted, setLifted] = useState(lifted?.id === id);
  const grip = useRef<HTMLElement | null>(null);
  const isMoving = useRef(false);
  useEffect(() => {
    if (lifted?.id !== id || (!isMoving.current && document.activeElement === grip.current)) return;
    isMoving.current = false;
    grip.current?.focus();
    announce(t('liftMoved', { name, place }));
  }, [id, name, place, announce, t]);
  const end = (): void => {
    lifted = undefined;
    setLifted(false);
  };
  return {
    isLifted,
    ref: (element) => {
      grip.current = element;
    },
    onBlur: () => {
      // The element may only have been moved; the effect brings the focus back.
      setTimeout(() => {
        if (
          lifted?.id === id &&
          document.activeElement !== grip.current &&
          grip.current?.isConnected === true &&
          !isMoving.current
        )
          end();
      });
    },
    onKeyDown: (event) => {
      const { key } = event;
      if (!isLifted) {
        if (key !== ' ' && key !== 'Enter') return;
        event.preventDefault();
        lifted = { id, back: remember() };
        setLifted(true);
        announce(t('liftBegin', { name, place }));
        return;
      }
      if (![' ', 'Enter', 'Escape', 'ArrowUp', 'ArrowDown'].includes(key)) return;
      event.preventDefault();
      event.stopPropagation();
      const step = key === 'ArrowUp' ? up : key === 'ArrowDown' ? down : undefined;
      if (step !== undefined) {
        isMoving.current = true;
        step();
      } else if (key === 'Escape') {
        isMoving.current = true;
        lifted?.back();
        end();
        announce(t('liftBack', { name }));
        requestAnimationFrame(() => grip.current?.focus());
      } else if (key === ' ' || key === 'Enter') {
        end();
        announce(t('liftEnd', { name, place }));
      }
    },
  };
}
