/** Snapshots of any document: take, list, show, compare, restore. Knows no HTTP. */
import * as Y from 'yjs';
import { contentOf, diffContent, restoreContent } from '../../crdt/document/index.js';
import { diffForms, normalize, project } from '../../crdt/index.js';
import { scopeOn, type Principal } from '../../server/auth/index.js';
import type { EventPublisher } from '../../server/events/index.js';
import { documentKind } from '../../server/protocol/document-name.js';
import type { Rooms } from '../../server/rooms/rooms.js';
import type { Snapshots } from '../../server/snapshots/index.js';
import type { SnapshotInfo, SnapshotStore } from '../../server/storage/snapshots.js';
import { requireScope } from '../forms/scope.js';
import { Problem } from '../http/problem.js';

export interface ContentChange {
  readonly kind: 'added' | 'removed' | 'moved' | 'changed';
  /** As in the operations of forms; a path with slashes for other documents. */
  readonly target: string;
  readonly property?: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

export interface ContentDiff {
  readonly changes: readonly ContentChange[];
  readonly isTruncated: boolean;
}

export interface Restored extends ContentDiff {
  /** The snapshot of what was there; undefined for a dry run, and when the policy takes none. */
  readonly before: SnapshotInfo | undefined;
}

const MAX_CHANGES = 1_000;

export class SnapshotService {
  readonly #store: SnapshotStore;

  constructor(
    private readonly rooms: Rooms,
    private readonly snapshots: Pick<Snapshots, 'store' | 'taker' | 'policies'>,
    private readonly events: EventPublisher,
  ) {
    this.#store = snapshots.store;
  }

  /** @throws Problem `document_not_found` */
  async take(principal: Principal, document: string, label: string): Promise<SnapshotInfo> {
    const taken = await this.snapshots.taker.take(document, { label, kind: 'manual', principal: principal.id });
    if (taken === undefined) throw new Problem('document_not_found', `There is no document "${document}".`);
    return taken;
  }

  async #tell(type: string, document: string, { id }: Principal, data: Record<string, unknown>): Promise<void> {
    const kind = documentKind(document);
    const form = kind.kind === 'opaque' ? {} : { formId: kind.formId };
    await this.events.publish({ type, ...form, document, userId: id, data: { document, ...data } });
  }

  /** @throws Problem `document_not_found` */
  async list(document: string, page: { limit: number; cursor: string | null }): ReturnType<SnapshotStore['list']> {
    if (!(await this.rooms.exists(document))) {
      throw new Problem('document_not_found', `There is no document "${document}".`);
    }
    return this.#store.list(document, page);
  }

  /** @throws Problem `snapshot_not_found` */
  async load(document: string, id: string): Promise<{ info: SnapshotInfo; state: Uint8Array }> {
    const found = await this.#store.load(document, id);
    if (found === undefined) throw new Problem('snapshot_not_found', `"${document}" has no snapshot "${id}".`);
    return found;
  }

  /** The form's JSON for a form, the content by root type for any other document. */
  async content(document: string, id: string): Promise<{ info: SnapshotInfo; content: unknown }> {
    const { info, state } = await this.load(document, id);
    return { info, content: withDoc(state, (doc) => shownContent(document, doc)) };
  }

  /** @param against a snapshot id or `now` */
  async diff(document: string, id: string, against: string): Promise<ContentDiff> {
    const { state } = await this.load(document, id);
    const other =
      against === 'now' ? await this.rooms.encodeState(document) : (await this.load(document, against)).state;
    return withDoc(state, (before) => withDoc(other, (after) => diffDocs(document, before, after)));
  }

  /**
   * Turns the present into the snapshot by one forward transaction, which merges with what others do meanwhile.
   * What was there is kept as a snapshot first, unless the policy says otherwise.
   * @throws Problem `snapshot_not_found`, `out_of_scope`
   */
  async restore(principal: Principal, document: string, id: string, isDryRun: boolean): Promise<Restored> {
    const { state } = await this.load(document, id);
    const present = await this.rooms.encodeState(document);
    const diff = withDoc(present, (before) => withDoc(state, (after) => diffDocs(document, before, after)));
    if (isDryRun) return { ...diff, before: undefined };
    withDoc(present, (doc) => withDoc(state, (target) => requireWithin(principal, document, doc, target)));
    const label = `before restore of ${id}`;
    const before = this.snapshots.policies.current.beforeRestore
      ? await this.snapshots.taker.take(document, { label, kind: 'before-restore', principal: principal.id })
      : undefined;
    const restore = (doc: Y.Doc, target: Y.Doc): void => {
      requireWithin(principal, document, doc, target);
      restoreContent(doc, target);
    };
    await this.rooms.edit(document, principal, (doc) => withDoc(state, (target) => restore(doc, target)), {
      source: 'restore',
    });
    await this.#tell('snapshot.restored', document, principal, { snapshot: id, before: before?.id ?? null });
    return { ...diff, before };
  }

  /** False when there was none. */
  async delete(document: string, id: string): Promise<boolean> {
    return this.#store.delete(document, id);
  }
}

/** @throws Problem `out_of_scope` when it would change what the principal may not */
function requireWithin(principal: Principal, document: string, before: Y.Doc, after: Y.Doc): void {
  const scope = scopeOn(principal, document);
  const kind = documentKind(document);
  if (kind.kind !== 'form' || (scope.paths === undefined && scope.languages === undefined)) return;
  requireScope(diffForms(project(before, kind.formId), project(after, kind.formId)).changes, scope);
}

function withDoc<T>(state: Uint8Array, view: (doc: Y.Doc) => T): T {
  const doc = new Y.Doc();
  try {
    Y.applyUpdate(doc, state);
    return view(doc);
  } finally {
    doc.destroy();
  }
}

function shownContent(document: string, doc: Y.Doc): unknown {
  const kind = documentKind(document);
  return kind.kind === 'form' ? normalize(project(doc, kind.formId)) : contentOf(doc);
}

function diffDocs(document: string, before: Y.Doc, after: Y.Doc): ContentDiff {
  const kind = documentKind(document);
  if (kind.kind === 'form') {
    const { changes } = diffForms(project(before, kind.formId), project(after, kind.formId));
    return { changes: changes.slice(0, MAX_CHANGES), isTruncated: changes.length > MAX_CHANGES };
  }
  const { changes, isTruncated } = diffContent(contentOf(before), contentOf(after), { maxChanges: MAX_CHANGES });
  return { changes: changes.map(({ path, ...change }) => ({ ...change, target: path.join('/') })), isTruncated };
}
