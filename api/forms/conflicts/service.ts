/** Conflicts, policies and locks of live forms. Knows no HTTP. */
import type { Doc } from 'yjs';
import {
  DEFAULT_POLICY,
  lockOn,
  LOCKS_ROOT,
  openConflicts,
  policyIn,
  releaseLock,
  resolveConflict,
  ResolutionError,
  takeLock,
  type Choice,
  type Conflict,
  type FieldLock,
  type PolicyJson,
} from '../../../crdt/index.js';
import { can, identityOf, type Principal, scopeOn } from '../../../server/auth/index.js';
import type { Rooms } from '../../../server/rooms/rooms.js';
import { etagOf, requireMatch } from '../../http/etag.js';
import { Problem } from '../../http/problem.js';
import { requireForm } from '../required-form.js';
import { requireScope } from '../scope.js';
import { requireUnlocked } from './locked-fields.js';
import type { ConflictWatch } from './watch.js';

export interface ConflictServiceOptions {
  readonly rooms: Rooms;
  readonly watch: ConflictWatch;
  readonly clock: () => number;
}

const documentOf = (formId: string): string => `form/${formId}`;

export class ConflictService {
  constructor(private readonly options: ConflictServiceOptions) {}

  /** @throws Problem `form_not_found` */
  async list(formId: string): Promise<{ conflicts: readonly Conflict[]; etag: string }> {
    const conflicts = await this.#read(formId, openConflicts);
    return { conflicts, etag: etagOf(conflicts) };
  }

  /**
   * The choice stands over all candidates that are open now.
   * @throws Problem `conflict_not_found`, `candidate_not_found`, `validation_failed`, `stale`, `out_of_scope`, `field_locked`
   */
  async resolve(
    principal: Principal,
    formId: string,
    conflictId: string,
    choice: Choice,
    ifMatch: string | undefined,
  ): Promise<readonly Conflict[]> {
    const now = this.options.clock();
    const left = await this.#edit(principal, formId, (doc) => {
      const open = openConflicts(doc);
      requireMatch(ifMatch, etagOf(open));
      const conflict = open.find(({ id }) => id === conflictId);
      if (conflict === undefined) throw new Problem('conflict_not_found', `There is no open conflict "${conflictId}".`);
      const change = { kind: 'changed', target: `fields/${conflict.fieldId}`, property: conflict.property } as const;
      requireScope([change], scopeOn(principal, documentOf(formId)));
      requireUnlocked(doc, [change], principal, now);
      try {
        resolveConflict(doc, conflictId, choice, identityOf(principal), now);
      } catch (error) {
        if (!(error instanceof ResolutionError)) throw error;
        if (error.code !== 'value_not_allowed') throw new Problem(error.code, error.message);
        throw new Problem('validation_failed', error.message, { errors: [{ path: 'value', message: error.message }] });
      }
      return openConflicts(doc);
    });
    this.options.watch.notice(formId);
    return left;
  }

  async policy(formId: string): Promise<{ policy: PolicyJson; etag: string }> {
    const policy = await this.#read(formId, (doc) => policyIn(doc.getMap('meta')) ?? DEFAULT_POLICY);
    return { policy, etag: etagOf(policy) };
  }

  /** Conflicts of properties that are no longer `manual` end: what stands, stands. @throws Problem `stale`, `out_of_scope` */
  async setPolicy(
    principal: Principal,
    formId: string,
    policy: PolicyJson,
    ifMatch: string | undefined,
  ): Promise<{ policy: PolicyJson; etag: string }> {
    await this.#edit(principal, formId, (doc) => {
      const meta = doc.getMap('meta');
      const before = etagOf(policyIn(meta) ?? DEFAULT_POLICY);
      requireMatch(ifMatch, before);
      const change = { kind: 'changed', target: 'form', property: 'policy' } as const;
      requireScope([change], scopeOn(principal, documentOf(formId)));
      if (before !== etagOf(policy)) meta.set('policy', policy);
    });
    this.options.watch.notice(formId);
    return { policy, etag: etagOf(policy) };
  }

  /** Takes or renews. @throws Problem `field_locked` when somebody else holds it, `field_not_found`, `out_of_scope` */
  async lock(principal: Principal, formId: string, fieldId: string, seconds: number): Promise<FieldLock> {
    const now = this.options.clock();
    const target = { kind: 'changed', target: `fields/${fieldId}` } as const;
    return this.#edit(principal, formId, (doc) => {
      requireField(doc, fieldId);
      requireScope([target], scopeOn(principal, documentOf(formId)));
      requireUnlocked(doc, [target], principal, now);
      return takeLock(doc.getMap(LOCKS_ROOT), fieldId, { holder: identityOf(principal), seconds, now });
    });
  }

  /** One that is free already stays so. @throws Problem `forbidden` for who neither holds it nor owns the form */
  async unlock(principal: Principal, formId: string, fieldId: string): Promise<void> {
    await this.#edit(principal, formId, (doc) => {
      const locks = doc.getMap(LOCKS_ROOT);
      const lock = lockOn(locks, fieldId, this.options.clock());
      if (lock === undefined && !locks.has(fieldId)) requireField(doc, fieldId);
      const isHolder = lock === undefined || lock.holder.id === principal.id;
      if (!isHolder && !can(principal, documentOf(formId), 'own'))
        throw new Problem('forbidden', `The lock is held by ${lock.holder.name ?? lock.holder.id}.`);
      releaseLock(locks, fieldId);
    });
  }

  async #read<T>(formId: string, view: (doc: Doc) => T): Promise<T> {
    await requireForm(this.options.rooms, formId);
    return this.options.rooms.read(documentOf(formId), view);
  }

  async #edit<T>(principal: Principal, formId: string, change: (doc: Doc) => T): Promise<T> {
    await requireForm(this.options.rooms, formId);
    const { result } = await this.options.rooms.edit(documentOf(formId), principal, change, { source: 'rest' });
    return result;
  }
}

function requireField(doc: Doc, fieldId: string): void {
  if (!doc.getMap('fields').has(fieldId)) throw new Problem('field_not_found', `The form has no field "${fieldId}".`);
}
