/**
 * Brings documents of another server into a running Formloom, through its live rooms, and reads each back to compare.
 *
 * A second run is harmless: Yjs merges what is there already. So the other server may go on during a first run, and a
 * second one, after it was stopped, brings the rest.
 */
import * as Y from 'yjs';
import { encodeStateInChunks } from '../../server/protocol/state-chunks.js';
import { callApi, type ApiTarget } from '../api-client.js';
import { CommandError } from '../output.js';
import type { DocumentSource, SourceDocument } from './source.js';

export interface ImportOptions {
  /** Put before each name. */
  readonly prefix: string;
  /** Only documents whose name begins so. */
  readonly only: string;
  /** Nothing is written; what is there already is told. */
  readonly isDryRun: boolean;
}

export type Outcome =
  /** The document is what it was at the source. */
  | 'equal'
  /** It holds all of the source, and more: it was there before. */
  | 'merged'
  | 'would be imported'
  | 'is there already and would be merged'
  | 'failed';

export interface ImportedDocument {
  readonly source: string;
  readonly document: string;
  readonly outcome: Outcome;
  /** Of its state. */
  readonly bytes: number;
  /** Why it failed. */
  readonly reason?: string;
}

/** Far below the limit of a request body. */
const CHUNK_BYTES = 1024 ** 2;

export async function* importDocuments(
  source: DocumentSource,
  target: ApiTarget,
  { prefix, only, isDryRun }: ImportOptions,
): AsyncGenerator<ImportedDocument> {
  for await (const found of source.documents()) {
    if (!found.name.startsWith(only)) continue;
    const about = { source: found.name, document: prefix + found.name };
    try {
      const wanted = docOf(found);
      const bytes = Y.encodeStateAsUpdate(wanted).length;
      const outcome = isDryRun ? await look(target, about.document) : await bring(target, about.document, wanted);
      yield { ...about, outcome, bytes };
    } catch (error) {
      if (error instanceof CommandError && error.exitCode !== 1) throw error;
      const bytes = found.updates.reduce((sum, { length }) => sum + length, 0);
      yield { ...about, outcome: 'failed', bytes, reason: error instanceof Error ? error.message : String(error) };
    }
  }
}

/** @throws Error when the updates are not a whole document */
function docOf({ updates }: SourceDocument): Y.Doc {
  const doc = new Y.Doc();
  doc.transact(() => {
    for (const update of updates) Y.applyUpdate(doc, update);
  });
  if (doc.store.pendingStructs !== null || doc.store.pendingDs !== null) {
    throw new Error('it is not whole at the source: updates are missing');
  }
  return doc;
}

async function look(target: ApiTarget, document: string): Promise<Outcome> {
  const state = await stateOf(target, document);
  return state === undefined ? 'would be imported' : 'is there already and would be merged';
}

async function bring(target: ApiTarget, document: string, wanted: Y.Doc): Promise<Outcome> {
  const path = `/documents/${encodeURIComponent(document)}/updates`;
  for (const chunk of encodeStateInChunks(wanted, CHUNK_BYTES)) {
    await callApi(target, { method: 'POST', path, body: chunk });
  }
  const state = await stateOf(target, document);
  if (state === undefined) {
    if (Y.encodeStateAsUpdate(wanted).length <= EMPTY_BYTES) return 'equal';
    throw new Error('it is not there after the import');
  }
  const arrived = new Y.Doc();
  Y.applyUpdate(arrived, state);
  const before = Y.snapshot(arrived);
  if (Y.equalSnapshots(before, Y.snapshot(wanted))) return 'equal';
  // What the source holds must add nothing to what has arrived.
  Y.applyUpdate(arrived, Y.encodeStateAsUpdate(wanted));
  if (Y.equalSnapshots(before, Y.snapshot(arrived))) return 'merged';
  throw new Error('what was read back lacks something of the source');
}

/** A document without structs and deletions: nothing was ever written. */
const EMPTY_BYTES = 2;

async function stateOf(target: ApiTarget, document: string): Promise<Uint8Array | undefined> {
  const path = `/documents/${encodeURIComponent(document)}/state`;
  const answer = await callApi(target, { method: 'GET', path, accept: '*/*', isAnyStatusTaken: true });
  if (answer.status === 404) return undefined;
  if (!answer.ok) throw new CommandError(`${answer.status} when reading "${document}"`);
  return new Uint8Array(await answer.arrayBuffer());
}
