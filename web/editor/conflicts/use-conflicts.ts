import { useRef, useSyncExternalStore } from 'react';
import { openConflicts, type Conflict } from '../../../crdt/conflicts/index.js';
import { shareJson } from '../shared-json.js';
import { useEditor } from '../editor-context.js';

const NONE: readonly Conflict[] = [];

/** What is open, as this replica knows it. The same array until it changes. */
export function useConflicts(): readonly Conflict[] {
  const { handle } = useEditor();
  const last = useRef(NONE);
  return useSyncExternalStore(handle.subscribe, () => {
    const open = openConflicts(handle.doc);
    last.current = shareJson<readonly Conflict[]>(last.current, open);
    return last.current;
  });
}
