/**
 * Moving by keyboard: Space or Enter on a grip lifts the item, the arrows move it, Space or Enter puts it down, Escape takes
 * it back to where it was. Each step is told to those who listen. The item moves for everybody as it is moved here.
 */
import { useState, type KeyboardEvent } from 'react';
import { useWording } from '../../app/language.js';
import { useEditor } from '../editor-context.js';

export interface Liftable {
  readonly name: string;
  /** Where it stands now, for people. */
  readonly place: () => string;
  readonly up: () => void;
  readonly down: () => void;
  /** @returns puts it back to where it stands now */
  readonly remember: () => () => void;
}

export interface Lift {
  readonly isLifted: boolean;
  readonly onKeyDown: (event: KeyboardEvent) => void;
  readonly onBlur: () => void;
}

/** An item that goes to another list is another element there, whose grip is lifted too. */
let lifted: { readonly id: string; readonly back: () => void; isMoving: boolean } | undefined;

export function useLift(id: string, { name, place, up, down, remember }: Liftable): Lift {
  const { t } = useWording();
  const { announce } = useEditor();
  const [isLifted, setLifted] = useState(lifted?.id === id);
  const end = (): void => {
    lifted = undefined;
    setLifted(false);
  };
  /** It stands there when the step returns; moving an element takes the focus from it. */
  const move = (step: () => void, said: () => string): void => {
    if (lifted !== undefined) lifted.isMoving = true;
    step();
    document.querySelector<HTMLElement>(`[data-item="${id}"] .grip`)?.focus();
    if (lifted !== undefined) lifted.isMoving = false;
    announce(said());
  };
  return {
    isLifted,
    onBlur: () => {
      if (lifted?.id === id && !lifted.isMoving) end();
    },
    onKeyDown: (event) => {
      const { key } = event;
      if (!isLifted) {
        if (key !== ' ' && key !== 'Enter') return;
        event.preventDefault();
        lifted = { id, back: remember(), isMoving: false };
        setLifted(true);
        announce(t('liftBegin', { name, place: place() }));
        return;
      }
      if (![' ', 'Enter', 'Escape', 'ArrowUp', 'ArrowDown'].includes(key)) return;
      event.preventDefault();
      event.stopPropagation();
      const moved = (): string => t('liftMoved', { name, place: place() });
      if (key === 'ArrowUp') move(up, moved);
      else if (key === 'ArrowDown') move(down, moved);
      else if (key === 'Escape') {
        const back = lifted?.back;
        move(
          () => back?.(),
          () => t('liftBack', { name }),
        );
        end();
      } else {
        end();
        announce(t('liftEnd', { name, place: place() }));
      }
    },
  };
}
