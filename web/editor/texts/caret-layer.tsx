/** Others' carets over an input: a copy of its text, unseen, with a mark where each caret stands. */
import { useLayoutEffect, useRef, type ReactNode, type RefObject } from 'react';
import { colourOf } from '../../parts/avatar.js';
import type { Caret } from './carets.js';

interface CaretLayerProps {
  readonly input: RefObject<HTMLInputElement | HTMLTextAreaElement>;
  readonly value: string;
  readonly carets: readonly Caret[];
}

export function CaretLayer({ input, value, carets }: CaretLayerProps): ReactNode {
  const copy = useRef<HTMLDivElement>(null);
  // What is scrolled out of an input is scrolled out of its copy.
  useLayoutEffect(() => {
    const element = input.current;
    const layer = copy.current;
    if (element === null || layer === null) return;
    const style = getComputedStyle(element);
    for (const name of ['font', 'letterSpacing', 'lineHeight', 'padding', 'textAlign'] as const)
      layer.style[name] = style[name];
    const follow = (): void => {
      layer.style.transform = `translate(${-element.scrollLeft}px, ${-element.scrollTop}px)`;
    };
    follow();
    element.addEventListener('scroll', follow);
    return () => element.removeEventListener('scroll', follow);
    // Once: asking for styles and places lays the whole page out anew, for each caret that moves.
  }, [input]);
  const sorted = [...carets].sort((a, b) => a.head - b.head);
  const parts: ReactNode[] = [];
  let at = 0;
  for (const { clientId, user, head } of sorted) {
    const index = Math.min(value.length, head);
    parts.push(value.slice(at, index));
    at = index;
    parts.push(
      <span key={clientId} className={`caret ${colourOf(user.id)}`} data-caret={user.id}>
        <span className="caret-name">{user.name ?? user.id}</span>
      </span>,
    );
  }
  return (
    <div className="caret-clip" aria-hidden="true">
      <div
        ref={copy}
        dir={input.current?.dir}
        className={`caret-copy ${input.current instanceof HTMLTextAreaElement ? 'long' : ''}`}
      >
        {parts}
        {value.slice(at)}
      </div>
    </div>
  );
}
