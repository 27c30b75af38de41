/**
 * What a writer types, prepared: one Y.Doc per writer makes the updates offline, so that while the load runs the
 * client only writes bytes. One edit is one keystroke, so edit n of a writer is its clock n.
 */
import * as Y from 'yjs';

export interface Script {
  readonly clientId: number;
  /** One update per keystroke. */
  readonly updates: readonly Uint8Array[];
  /** All of them as one update. */
  readonly state: Uint8Array;
}

/** Name of the Y.Text that is typed into. */
export const TEXT = 'text';
const FIRST_CLIENT_ID = 1_000;
const LETTERS = 'the quick brown fox jumps over the lazy dog and writes a form ';

/** The script of the writer with this number (0, 1, …): `edits` keystrokes at the end of its own text. */
export function typingScript(writer: number, edits: number): Script {
  const doc = new Y.Doc();
  doc.clientID = FIRST_CLIENT_ID + writer;
  const text = doc.getText(TEXT);
  const updates: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => updates.push(update));
  for (let i = 0; i < edits; i++) text.insert(i, LETTERS[(i + writer) % LETTERS.length] ?? ' ');
  const state = Y.encodeStateAsUpdate(doc);
  doc.destroy();
  return { clientId: FIRST_CLIENT_ID + writer, updates, state };
}

/** What a document holds in which these writers have typed everything. */
export function typedText(scripts: readonly Script[]): string {
  const doc = new Y.Doc();
  for (const { state } of scripts) Y.applyUpdate(doc, state);
  const text = textOf(doc);
  doc.destroy();
  return text;
}

export const textOf = (doc: Y.Doc): string => doc.getText(TEXT).toJSON();
