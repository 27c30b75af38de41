/**
 * Who changed which field when: the log of attributed updates, told in the terms of the form's authors.
 *
 * The log itself is folded by compaction, so what it says is written down as events before that (`record`), and once more
 * when somebody asks. Consecutive updates of one person through one door within a few seconds are one entry: a title
 * that was typed is one change, not sixty.
 */
import * as Y from 'yjs';
import { z } from 'zod';
import { diffForms, project, type FormJson } from '../../crdt/index.js';
import { documentKind } from '../protocol/document-name.js';
import type { Attribution, DocumentLog, LoggedUpdate } from '../storage/document-log.js';
import type { EventLog } from '../storage/event-log.js';
import { streamOf } from './moved-entry.js';

const entrySchema = z.object({
  /** Of the last update that the entry tells of. */
  position: z.string(),
  epoch: z.string(),
  at: z.number(),
  principal: z.string(),
  name: z.string().optional(),
  source: z.enum(['sync', 'rest', 'import', 'restore', 'undo', 'system']),
  changes: z.array(
    z.object({
      kind: z.enum(['added', 'removed', 'moved', 'changed']),
      target: z.string(),
      property: z.string().optional(),
      before: z.unknown().optional(),
      after: z.unknown().optional(),
      position: z.object({ place: z.string(), index: z.number() }).optional(),
    }),
  ),
});
type HistoryEntry = z.infer<typeof entrySchema>;
type EntryChange = HistoryEntry['changes'][number];

export interface RecordedChange extends EntryChange {
  /** Ordered by time: newer ids come first in a list. */
  readonly id: string;
  /** Unix time in milliseconds. */
  readonly at: number;
  readonly user: { readonly id: string; readonly name?: string };
  readonly source: Attribution['source'];
}

export interface ChangeFilter {
  readonly fieldId?: string | undefined;
  readonly userId?: string | undefined;
  /** Unix time in milliseconds. */
  readonly since?: number | undefined;
}

const GROUP_MS = 5_000;
const PAGE = 200;
/** A snapshot of a large import would be a log entry of megabytes. */
const MAX_VALUE_BYTES = 4_096;

export class FormHistory {
  /** One at a time per document, so that no update is told twice. */
  readonly #recording = new Map<string, Promise<void>>();

  constructor(
    private readonly log: DocumentLog,
    private readonly events: EventLog,
  ) {}

  /** Writes down what the log holds and the events do not yet. Does nothing for documents that are no form. */
  async record(document: string): Promise<void> {
    const kind = documentKind(document);
    if (kind.kind !== 'form') return;
    const before = this.#recording.get(document) ?? Promise.resolve();
    const run = before.catch(() => undefined).then(() => this.#record(document, kind.formId));
    this.#recording.set(document, run);
    try {
      await run;
    } finally {
      if (this.#recording.get(document) === run) this.#recording.delete(document);
    }
  }

  async #record(document: string, formId: string): Promise<void> {
    const loaded = await this.log.load(document);
    if (loaded.updates.length === 0) return;
    const epoch = loaded.epoch ?? '';
    const [last] = await this.events.range(streamOf(document), { reverse: true, limit: 1 });
    const lastEntry = last === undefined ? undefined : entrySchema.parse(last.data);
    // A position that is no longer in the log was folded into the snapshot: all that follows is new.
    const told =
      lastEntry?.epoch === epoch ? loaded.updates.findIndex(({ position }) => position === lastEntry.position) + 1 : 0;
    const fresh = loaded.updates.slice(told);
    if (fresh.length === 0) return;

    const doc = new Y.Doc({ gc: false });
    try {
      doc.transact(() => {
        if (loaded.snapshot !== undefined) Y.applyUpdate(doc, loaded.snapshot);
        for (const { update } of loaded.updates.slice(0, told)) Y.applyUpdate(doc, update);
      });
      const entries: HistoryEntry[] = [];
      let form = project(doc, formId);
      for (const group of grouped(fresh)) {
        doc.transact(() => {
          for (const { update } of group) Y.applyUpdate(doc, update);
        });
        const after = project(doc, formId);
        const entry = entryOf(group, epoch, form, after);
        // The last group is told even when it changed nothing that shows: its position is the mark.
        if (entry !== undefined) entries.push(entry);
        form = after;
      }
      if (entries.length > 0) await this.events.append(streamOf(document), entries);
    } finally {
      doc.destroy();
    }
  }

  /** Newest first. */
  async changes(
    document: string,
    filter: ChangeFilter,
    page: { readonly limit: number; readonly cursor: string | null },
  ): Promise<{ data: RecordedChange[]; nextCursor: string | null }> {
    await this.record(document);
    const data: RecordedChange[] = [];
    const [cursorEvent, cursorIndex] = parseCursor(page.cursor);
    let before: string | undefined;
    if (cursorEvent !== undefined) {
      // The event of the cursor may have changes left; it is read again.
      const rest = await this.#eventAt(document, cursorEvent);
      before = cursorEvent;
      if (rest !== undefined) {
        const left = changesOf(rest.id, rest.entry).slice(cursorIndex + 1);
        for (const change of left) if (isWanted(change, filter)) data.push(change);
      }
    }
    while (data.length <= page.limit) {
      const events = await this.events.range(streamOf(document), {
        reverse: true,
        limit: PAGE,
        ...(before === undefined ? {} : { before }),
      });
      for (const event of events) {
        const entry = entrySchema.parse(event.data);
        if (filter.since !== undefined && entry.at < filter.since)
          return { data: data.slice(0, page.limit), nextCursor: cursorAfter(data, page.limit) };
        for (const change of changesOf(event.id, entry)) if (isWanted(change, filter)) data.push(change);
      }
      before = events[events.length - 1]?.id;
      if (events.length < PAGE || before === undefined) break;
    }
    return { data: data.slice(0, page.limit), nextCursor: cursorAfter(data, page.limit) };
  }

  async #eventAt(document: string, id: string): Promise<{ id: string; entry: HistoryEntry } | undefined> {
    // `before` and `after` are exclusive: the event is the first one after its predecessor.
    const [previous] = await this.events.range(streamOf(document), { before: id, reverse: true, limit: 1 });
    const [event] = await this.events.range(streamOf(document), {
      limit: 1,
      ...(previous === undefined ? {} : { after: previous.id }),
    });
    return event?.id === id ? { id, entry: entrySchema.parse(event.data) } : undefined;
  }

  /** Who changed each property of a field last. */
  async blame(
    document: string,
    fieldId: string,
  ): Promise<Record<string, { user: RecordedChange['user']; at: number }>> {
    const blame: Record<string, { user: RecordedChange['user']; at: number }> = {};
    let cursor: string | null = null;
    do {
      const page: { data: RecordedChange[]; nextCursor: string | null } = await this.changes(
        document,
        { fieldId },
        { limit: PAGE, cursor },
      );
      for (const { target, property, user, at } of page.data) {
        const name =
          target === `fields/${fieldId}`
            ? (property ?? 'field')
            : `${target.split('/').slice(2).join('/')}${property === undefined ? '' : `.${property}`}`;
        blame[name] ??= { user, at };
      }
      cursor = page.nextCursor;
    } while (cursor !== null);
    return blame;
  }

  async erase(document: string): Promise<void> {
    await this.#recording.get(document)?.catch(() => undefined);
    await this.events.erase(streamOf(document));
  }
}

function grouped(updates: readonly LoggedUpdate[]): LoggedUpdate[][] {
  const groups: LoggedUpdate[][] = [];
  for (const update of updates) {
    const group = groups[groups.length - 1];
    const first = group?.[0];
    const isSame =
      first !== undefined &&
      first.attribution.principal === update.attribution.principal &&
      first.attribution.source === update.attribution.source &&
      update.attribution.at - first.attribution.at <= GROUP_MS;
    if (isSame) group?.push(update);
    else groups.push([update]);
  }
  return groups;
}

function entryOf(
  group: readonly LoggedUpdate[],
  epoch: string,
  before: FormJson,
  after: FormJson,
): HistoryEntry | undefined {
  const last = group[group.length - 1];
  if (last === undefined) return undefined;
  const { principal, name, at, source } = last.attribution;
  const changes = diffForms(before, after).changes.map(
    ({ kind, target, property, before: old, after: now, position }): EntryChange => ({
      kind,
      target,
      ...(property === undefined ? {} : { property }),
      ...(old === undefined ? {} : { before: bounded(old) }),
      ...(now === undefined ? {} : { after: bounded(now) }),
      ...(position === undefined ? {} : { position }),
    }),
  );
  return { position: last.position, epoch, at, principal, ...(name === undefined ? {} : { name }), source, changes };
}

function bounded(value: unknown): unknown {
  const json = JSON.stringify(value);
  return json.length <= MAX_VALUE_BYTES ? value : { truncated: json.slice(0, 200), bytes: json.length };
}

function changesOf(eventId: string, entry: HistoryEntry): RecordedChange[] {
  const user = entry.name === undefined ? { id: entry.principal } : { id: entry.principal, name: entry.name };
  return entry.changes.map((change, index) => ({
    ...change,
    id: `${eventId}.${index}`,
    at: entry.at,
    user,
    source: entry.source,
  }));
}

function isWanted(change: RecordedChange, { fieldId, userId, since }: ChangeFilter): boolean {
  if (userId !== undefined && change.user.id !== userId) return false;
  if (since !== undefined && change.at < since) return false;
  return (
    fieldId === undefined || change.target === `fields/${fieldId}` || change.target.startsWith(`fields/${fieldId}/`)
  );
}

function cursorAfter(data: readonly RecordedChange[], limit: number): string | null {
  return data.length > limit ? (data[limit - 1]?.id ?? null) : null;
}

function parseCursor(cursor: string | null): [string | undefined, number] {
  const match = /^([0-9]{1,20}(?:-[0-9]{1,20})?)\.([0-9]{1,6})$/.exec(cursor ?? '');
  return match === null ? [undefined, 0] : [match[1], Number(match[2])];
}
