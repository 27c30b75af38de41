/** Forms over REST: every write goes through the live room, so that editors see it at once. Knows no HTTP. */
import {
  afterOperations,
  diffForms,
  impactOf,
  keepsWrites,
  newId,
  normalize,
  project,
  recordChanges,
  reimport,
  seedForm,
  validateForm,
  type FormJson,
  type FormChange,
  type Impact,
  type LossReportEntry,
  type Operation,
} from '../../crdt/index.js';
import { exportForm, type ExportFormat, type ExportResult } from '../../crdt/export/index.js';
import { importForm, type ImportFormat } from '../../crdt/import/index.js';
import { can, identityOf, type Principal, scopeOn } from '../../server/auth/index.js';
import type { EventPublisher } from '../../server/events/index.js';
import type { FormHistory } from '../../server/history/index.js';
import type { PresenceState, Rooms } from '../../server/rooms/rooms.js';
import type { Snapshots } from '../../server/snapshots/index.js';
import { DocumentErasedError, DocumentExistsError } from '../../server/storage/errors.js';
import type { DocumentLog, ErasureReceipt, UpdateSource } from '../../server/storage/document-log.js';
import * as Y from 'yjs';
import { commentsDocument } from '../comments/index.js';
import type { BegunErasures } from '../documents/begun-erasures.js';
import { etagOf, requireMatch } from '../http/etag.js';
import { Problem } from '../http/problem.js';
import type { Notifier } from '../notifications/index.js';
import type { SubmissionService } from '../submissions/index.js';
import { decide, decidedBy, hasLocks, requireUnlocked, type ConflictWatch } from './conflicts/index.js';
import { Projections, type FormState } from './projections.js';
import { requireScope } from './scope.js';
import { formNotFound, requireForm } from './required-form.js';
import type { FormSummaries } from './summaries.js';
import type { FormVersions, Publication } from './versions.js';

export interface FormServiceOptions {
  readonly rooms: Rooms;
  readonly log: DocumentLog;
  readonly snapshots: Pick<Snapshots, 'store' | 'taker' | 'policies'>;
  readonly versions: FormVersions;
  readonly summaries: FormSummaries;
  readonly history: FormHistory;
  readonly notifier: Notifier;
  readonly submissions: SubmissionService;
  readonly erasures: BegunErasures;
  readonly events: EventPublisher;
  readonly conflictWatch: ConflictWatch;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
}

export interface FormReceipt {
  readonly formId: string;
  readonly documents: readonly ErasureReceipt[];
  readonly snapshots: number;
  readonly versions: number;
}

export const formDocument = (formId: string): string => `form/${formId}`;

export class FormService {
  readonly summaries: FormSummaries;
  readonly versions: FormVersions;
  readonly history: FormHistory;
  readonly #projections = new Projections();

  constructor(private readonly options: FormServiceOptions) {
    this.summaries = options.summaries;
    this.versions = options.versions;
    this.history = options.history;
  }

  /** @throws Problem `form_exists`, `form_deleted`, `validation_failed`, `forbidden` */
  async create(principal: Principal, content: FormJson, source: UpdateSource = 'rest'): Promise<FormState> {
    const form = valid(content);
    const document = formDocument(form.id);
    if (!can(principal, document, 'write')) {
      throw new Problem('forbidden', 'The token does not give the right to create this form.');
    }
    requireScope(
      diffForms({ ...form, title: {}, description: {}, languages: [], settings: {}, pages: [] }, form).changes,
      scopeOn(principal, document),
    );
    try {
      const edited = await this.options.rooms.edit(
        document,
        principal,
        (doc) => {
          seedForm(doc, form);
          return this.#projections.keep(doc, form);
        },
        { source, ifAbsent: true },
      );
      await this.#tell('form.created', form.id, principal, { source });
      return edited.result;
    } catch (error) {
      if (error instanceof DocumentExistsError)
        throw new Problem('form_exists', `There is a form "${form.id}" already.`);
      if (error instanceof DocumentErasedError) {
        throw new Problem('form_deleted', `A form "${form.id}" was deleted; its id is not used again.`);
      }
      throw error;
    }
  }

  /** @throws ImportError, and what `create` throws */
  async import(
    principal: Principal,
    format: ImportFormat,
    source: unknown,
    id: string | undefined,
  ): Promise<FormState & { report: LossReportEntry[] }> {
    const { form, report } = importForm(format, source, {
      formId: id ?? (format === 'formloom' ? idOf(source) : undefined) ?? newId(),
    });
    return { ...(await this.create(principal, form, 'import')), report };
  }

  /** @throws Problem `form_not_found` */
  async read(formId: string): Promise<FormState> {
    await requireForm(this.options.rooms, formId);
    return this.options.rooms.read(formDocument(formId), (doc) => this.#projections.of(doc, formId));
  }

  /** @throws Problem `version_not_found` */
  async readVersion(formId: string, version: number): Promise<FormState> {
    const found = await this.options.versions.get(formId, version);
    if (found === undefined) throw new Problem('version_not_found', `The form "${formId}" has no version ${version}.`);
    return { form: found.form, etag: etagOf(found.form) };
  }

  /** @throws Problem `stale`, `out_of_scope`, `field_locked`; OperationsRefusedError. Nothing is changed then. */
  async patch(
    principal: Principal,
    formId: string,
    operations: readonly Operation[],
    ifMatch: string | undefined,
  ): Promise<FormState> {
    return this.#change(
      principal,
      formId,
      ifMatch,
      (before) => afterOperations(before, operations),
      'rest',
      operations,
    );
  }

  /** Reaches `target` by the fewest edits. @throws Problem `stale`, `out_of_scope`, `field_locked`, `validation_failed` */
  async replace(
    principal: Principal,
    target: FormJson,
    ifMatch: string | undefined,
    source: UpdateSource = 'rest',
  ): Promise<FormState> {
    const form = valid(target);
    return this.#change(principal, form.id, ifMatch, () => form, source);
  }

  /** The form of another builder, again: what people have open stays where it is. @throws ImportError, as `replace` */
  async importInto(
    principal: Principal,
    formId: string,
    format: ImportFormat,
    source: unknown,
    ifMatch: string | undefined,
  ): Promise<FormState & { report: LossReportEntry[] }> {
    const { form, report } = importForm(format, source, { formId });
    return { ...(await this.replace(principal, form, ifMatch, 'import')), report };
  }

  async #change(
    principal: Principal,
    formId: string,
    ifMatch: string | undefined,
    plan: (before: FormJson) => FormJson,
    source: UpdateSource,
    operations: readonly Operation[] = [],
  ): Promise<FormState> {
    await requireForm(this.options.rooms, formId);
    const document = formDocument(formId);
    const scope = scopeOn(principal, document);
    const now = this.options.clock();
    const isScoped = scope.paths !== undefined || scope.languages !== undefined;
    const { result } = await this.options.rooms.edit(
      document,
      principal,
      (doc) => {
        const { form: before, etag } = this.#projections.of(doc, formId);
        requireMatch(ifMatch, etag);
        const after = valid(plan(before));
        const isLocked = hasLocks(doc);
        const decided = decidedBy(operations, doc);
        if (isScoped || isLocked) {
          const changes = [...diffForms(before, after).changes, ...decided];
          requireScope(changes, scope);
          requireUnlocked(doc, changes, principal, now);
        }
        doc.transact((transaction) => {
          reimport(doc, after, { from: before });
          recordChanges(doc, transaction, identityOf(principal), now);
          decide(doc, decided, identityOf(principal), now);
        });
        return this.#projections.keep(doc, after);
      },
      { source },
    );
    // Who is not connected is not seen writing.
    if (await this.options.rooms.read(document, keepsWrites)) this.options.conflictWatch.notice(formId);
    return result;
  }

  /** The form, its comments and what people were told of it, its answer sheets, snapshots, versions and history. */
  async erase(principal: Principal, formId: string, ifMatch: string | undefined): Promise<FormReceipt> {
    // One that is damaged can be erased as well: it is read only for who says which state is meant.
    if (ifMatch === undefined) await requireForm(this.options.rooms, formId);
    else requireMatch(ifMatch, (await this.read(formId)).etag);
    return this.finishErasure(principal, formId);
  }

  /** Whatever is gone of it already. */
  finishErasure(principal: Principal, formId: string): Promise<FormReceipt> {
    const erasure = { document: formDocument(formId), by: identityOf(principal) };
    return this.options.erasures.during([erasure.document], erasure, () => this.#eraseAll(principal, formId));
  }

  async #eraseAll(principal: Principal, formId: string): Promise<FormReceipt> {
    const { rooms, log, versions, summaries, history, notifier, submissions } = this.options;
    const { store: snapshots } = this.options.snapshots;
    const document = formDocument(formId);
    // The form first: from its tombstone on nobody starts another sheet.
    const receipts = [await rooms.erase(document)];
    let snapshotCount = await snapshots.eraseAll(document);
    for (;;) {
      const { data } = await log.list(`${document}/`, null, 200);
      if (data.length === 0) break;
      for (const part of data) {
        receipts.push(await rooms.erase(part.document));
        snapshotCount += await snapshots.eraseAll(part.document);
        await history.erase(part.document);
      }
    }
    // Also when nobody ever commented: a first comment that is on its way would bring them back.
    await rooms.erase(commentsDocument(formId));
    await notifier.forget({ formId });
    await submissions.eraseForm(formId);
    await this.options.conflictWatch.forget(formId);
    await history.erase(document);
    await summaries.erase(formId);
    await this.#tell('form.deleted', formId, principal, {});
    return { formId, documents: receipts, snapshots: snapshotCount, versions: await versions.erase(formId) };
  }

  async presence(formId: string): Promise<PresenceState[]> {
    await requireForm(this.options.rooms, formId);
    return this.options.rooms.presence(formDocument(formId));
  }

  async export(formId: string, format: ExportFormat): Promise<ExportResult> {
    return exportForm((await this.read(formId)).form, format);
  }

  async publish(
    principal: Principal,
    formId: string,
    isDryRun: boolean,
    ifMatch: string | undefined,
  ): Promise<Publication> {
    const { form, etag } = await this.read(formId);
    requireMatch(ifMatch, etag);
    if (isDryRun) return this.options.versions.preview(form);
    const state = await this.options.rooms.encodeState(formDocument(formId));
    const publication = await this.options.versions.publish(form, principal.id);
    const { taker, policies } = this.options.snapshots;
    if (policies.current.onPublish) {
      const label = `publish (version ${publication.version})`;
      await taker.take(formDocument(formId), { state, label, kind: 'publish', principal: principal.id });
    }
    if (!(await this.options.rooms.exists(formDocument(formId)))) {
      // Erased meanwhile, perhaps before this version was there.
      await this.options.versions.erase(formId);
      throw formNotFound(formId);
    }
    await this.#tell('form.published', formId, principal, { version: publication.version });
    return publication;
  }

  async #tell(type: string, formId: string, { id }: Principal, data: Record<string, unknown>): Promise<void> {
    await this.options.events.publish({ type, formId, document: formDocument(formId), userId: id, data });
  }

  /** @param from,to a version number, a snapshot id or `draft`; `from` is the last version when absent */
  async diff(
    formId: string,
    from: string | undefined,
    to: string,
  ): Promise<{ changes: readonly FormChange[]; impact: Impact[] }> {
    await requireForm(this.options.rooms, formId);
    const start = from ?? String((await this.options.versions.latest(formId))?.version ?? 'draft');
    const [before, after] = await Promise.all([this.#side(formId, start), this.#side(formId, to)]);
    const diff = diffForms(before, after);
    return { changes: diff.changes, impact: impactOf(diff, before) };
  }

  async #side(formId: string, name: string): Promise<FormJson> {
    if (name === 'draft') return (await this.read(formId)).form;
    if (/^[1-9][0-9]{0,8}$/.test(name)) return (await this.readVersion(formId, Number(name))).form;
    const snapshot = await this.options.snapshots.store.load(formDocument(formId), name);
    if (snapshot === undefined) throw new Problem('snapshot_not_found', `There is no snapshot "${name}".`);
    const doc = new Y.Doc();
    try {
      Y.applyUpdate(doc, snapshot.state);
      return normalize(project(doc, formId));
    } finally {
      doc.destroy();
    }
  }
}

/** @throws Problem `validation_failed` for what the schema cannot say: duplicate ids and the like. */
function valid(form: FormJson): FormJson {
  const errors = validateForm(form).filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return normalize(form);
  throw new Problem('validation_failed', 'The form cannot be stored so.', {
    errors: errors.map(({ path, message }) => ({ path, message })),
  });
}

function idOf(source: unknown): string | undefined {
  return typeof source === 'object' && source !== null && 'id' in source && typeof source.id === 'string'
    ? source.id
    : undefined;
}
