/** Who is at a field, and what is said about it. Each renders again only when that changes. */
import { useRef, useSyncExternalStore } from 'react';
import type { Person } from '../../client/index.js';
import { fieldOfAnchor } from '../../crdt/comments/anchor.js';
import { useEditor } from './editor-context.js';

const NOBODY: readonly Person[] = [];

export function usePeopleAt(fieldId: string): readonly Person[] {
  const { handle, others } = useEditor();
  const last = useRef(NOBODY);
  return useSyncExternalStore(others.subscribe, () => {
    const now = handle.presence?.others.filter(({ field }) => field === fieldId) ?? NOBODY;
    const isSame =
      now.length === last.current.length &&
      now.every((person, index) => {
        const before = last.current[index];
        return (
          before !== undefined &&
          before.clientId === person.clientId &&
          before.activity === person.activity &&
          before.user.name === person.user.name
        );
      });
    if (!isSame) last.current = now;
    return last.current;
  });
}

export function useTalkAbout(fieldId: string): { readonly open: number } {
  const { comments } = useEditor();
  const open = useSyncExternalStore(
    comments.subscribe,
    () =>
      comments.threads.filter(({ anchor, status }) => status === 'open' && fieldOfAnchor(anchor) === fieldId).length,
  );
  return { open };
}
