/**
 * Named versions of documents, kept as records: facts under `snapshot/<document>/<id>`, the state beside them, deflated.
 */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { deflate, inflate } from 'node:zlib';
import { uuidv7 } from 'uuidv7';
import { z } from 'zod';
import type { Page } from './document-log.js';
import type { RecordKey, RecordStore } from './record-store.js';

export const SNAPSHOT_KINDS = ['manual', 'automatic', 'publish', 'before-restore'] as const;
export type SnapshotKind = (typeof SNAPSHOT_KINDS)[number];

const infoSchema = z.object({
  id: z.string(),
  document: z.string(),
  label: z.string(),
  kind: z.enum(SNAPSHOT_KINDS),
  createdAt: z.number(),
  createdBy: z.string(),
  bytes: z.number(),
  /** Updates that the document's log had taken by then: what comes after is not in the snapshot for certain. */
  updates: z.number().optional(),
  /** SHA-256 of the state, base64url: the same content is not kept twice in a row by policy. */
  hash: z.string().optional(),
});

/** `createdAt` in Unix milliseconds; `bytes` of the state before compression. */
export type SnapshotInfo = z.infer<typeof infoSchema>;

export interface NewSnapshot {
  /** `encodeStateAsUpdate` of the document. */
  readonly state: Uint8Array;
  readonly label: string;
  readonly kind: SnapshotKind;
  /** Principal id. */
  readonly principal: string;
  /** See `SnapshotInfo`. Asked before the state, so that it never counts what the state lacks. */
  readonly updates?: number | undefined;
}

export const snapshotHash = (state: Uint8Array): string => createHash('sha256').update(state).digest('base64url');

const deflated = promisify(deflate);
const inflated = promisify(inflate);

export class SnapshotStore {
  constructor(private readonly records: RecordStore) {}

  async take(document: string, snapshot: NewSnapshot): Promise<SnapshotInfo> {
    const info: SnapshotInfo = {
      // Ordered by time: the newest comes last in a scan.
      id: uuidv7(),
      document,
      label: snapshot.label,
      kind: snapshot.kind,
      createdAt: Date.now(),
      createdBy: snapshot.principal,
      bytes: snapshot.state.length,
      hash: snapshotHash(snapshot.state),
      ...(snapshot.updates === undefined ? {} : { updates: snapshot.updates }),
    };
    // The state first: facts without a state would be a snapshot that cannot be restored.
    await this.records.put(stateKey(document, info.id), await deflated(snapshot.state));
    await this.records.put(infoKey(document, info.id), Buffer.from(JSON.stringify(info)));
    return info;
  }

  /** Newest first. */
  async list(document: string, page: { limit: number; cursor: string | null }): Promise<Page<SnapshotInfo>> {
    const data: SnapshotInfo[] = [];
    const after = page.cursor === null ? {} : { after: infoKey(document, page.cursor) };
    const scan = this.records.scan(['snapshot', document], { ...after, reverse: true, limit: page.limit + 1 });
    for await (const { value } of scan) data.push(parseInfo(value));
    if (data.length <= page.limit) return { data, nextCursor: null };
    data.pop();
    return { data, nextCursor: data[data.length - 1]?.id ?? null };
  }

  async load(document: string, id: string): Promise<{ info: SnapshotInfo; state: Uint8Array } | undefined> {
    const [info, state] = await Promise.all([
      this.records.get(infoKey(document, id)),
      this.records.get(stateKey(document, id)),
    ]);
    if (info === undefined || state === undefined) return undefined;
    return { info: parseInfo(info.value), state: await inflated(state.value) };
  }

  /** All of them, newest first: facts alone, which are small. */
  async all(document: string): Promise<SnapshotInfo[]> {
    const found: SnapshotInfo[] = [];
    const scan = this.records.scan(['snapshot', document], { reverse: true });
    for await (const { value } of scan) found.push(parseInfo(value));
    return found;
  }

  /** Names of documents that have snapshots, in order. */
  async *documents(): AsyncGenerator<string> {
    for (let after: RecordKey = ['snapshot', ''], isDone = false; !isDone;) {
      isDone = true;
      for await (const { key } of this.records.scan(['snapshot'], { after, limit: 1 })) {
        const [, document] = key;
        if (document === undefined) continue;
        yield document;
        // Behind every id: those begin with a digit or a small letter.
        after = ['snapshot', document, '~'];
        isDone = false;
      }
    }
  }

  /** False when there was none. The bytes leave the medium. */
  async delete(document: string, id: string): Promise<boolean> {
    const facts = await this.records.erase(infoKey(document, id));
    await this.records.erase(stateKey(document, id));
    return facts > 0;
  }

  /** As `delete`, without clearing the medium at once: for those that a retention lets go, several a minute. */
  async drop(document: string, id: string): Promise<void> {
    await this.records.delete(infoKey(document, id));
    await this.records.delete(stateKey(document, id));
  }

  /** Answers how many there were. The bytes leave the medium. */
  async eraseAll(document: string): Promise<number> {
    const count = await this.records.erase(['snapshot', document]);
    await this.records.erase(['snapshot-state', document]);
    return count;
  }
}

const infoKey = (document: string, id: string): RecordKey => ['snapshot', document, id];
const stateKey = (document: string, id: string): RecordKey => ['snapshot-state', document, id];
const parseInfo = (value: Uint8Array): SnapshotInfo => infoSchema.parse(JSON.parse(Buffer.from(value).toString()));
