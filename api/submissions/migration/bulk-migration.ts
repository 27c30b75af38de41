/**
 * All open sheets of a form, or of one of its versions, to a newer version: as a long operation, one sheet after the other,
 * each through its live room as a single move. Sheets that were abandoned stay as they are: whoever comes back is offered
 * the move. Begun again after an interruption, it goes on with those that are left. Knows no HTTP.
 */
import type { AnswerMigration } from '../../../crdt/submission/index.js';
import type { Principal } from '../../../server/auth/index.js';
import type { FormVersions } from '../../forms/versions.js';
import { Problem, type ProblemCode } from '../../http/problem.js';
import type { Operation, Operations, Work } from '../../operations/operations.js';
import type { SubmissionStore } from '../records/submission-store.js';
import type { SubmissionMigrations } from './migration.js';

export interface BulkMigrationsOptions {
  readonly store: SubmissionStore;
  readonly versions: FormVersions;
  readonly migrations: SubmissionMigrations;
  readonly operations: Operations;
}

export interface BulkMigrationRequest {
  /** Sheets of this version alone; absent: of all older ones. */
  readonly from: number | undefined;
  /** Absent: the newest. */
  readonly to: number | undefined;
  /** Count, change nothing. */
  readonly isDryRun: boolean;
}

/** What came of it, or would: the result of the operation. */
export interface BulkMigrationResult {
  readonly dryRun: boolean;
  readonly to: number;
  /** Open sheets that were to be moved. */
  readonly sheets: number;
  moved: number;
  /** Handed in, erased or moved by somebody else meanwhile. */
  skipped: number;
  /** Sheets of which at least one answer was converted or dropped; the record has it as it was. */
  changed: number;
  readonly answers: Record<AnswerMigration['outcome'], number>;
  failed: number;
  /** The first ones. */
  readonly failures: { readonly id: string; readonly reason: string }[];
}

const KIND = 'submission-migration';
const MOST_FAILURES_TOLD = 20;
const OVERTAKEN: ReadonlySet<ProblemCode> = new Set(['submission_closed', 'submission_not_found', 'validation_failed']);

export class BulkMigrations {
  /** Forms that this node works on. */
  readonly #running = new Set<string>();

  constructor(private readonly options: BulkMigrationsOptions) {}

  /** @throws Problem `form_not_published`, `version_not_found`, `validation_failed`, `request_in_progress` */
  async start(principal: Principal, formId: string, request: BulkMigrationRequest): Promise<Operation> {
    const { versions, operations } = this.options;
    const to = request.to ?? (await versions.newest(formId));
    if (to === 0) throw new Problem('form_not_published', `The form "${formId}" has no published version.`);
    for (const version of [request.from ?? to, to]) {
      if ((await versions.get(formId, version)) !== undefined) continue;
      throw new Problem('version_not_found', `The form "${formId}" has no version ${version}.`);
    }
    if (request.from !== undefined && request.from >= to) {
      const message = `must be older than ${to}`;
      throw new Problem('validation_failed', `from ${message}.`, { errors: [{ path: 'from', message }] });
    }
    if (this.#running.has(formId)) {
      throw new Problem('request_in_progress', 'Sheets of this form are being moved already.', {
        retryAfterSeconds: 5,
      });
    }
    this.#running.add(formId);
    const work: Work = async (onProgress, _id, signal): Promise<BulkMigrationResult> => {
      try {
        return await this.#run(principal, formId, { ...request, to }, onProgress, signal);
      } finally {
        this.#running.delete(formId);
      }
    };
    try {
      return await operations.start(KIND, work, principal.id);
    } catch (error) {
      this.#running.delete(formId);
      throw error;
    }
  }

  async #run(
    principal: Principal,
    formId: string,
    { from, to, isDryRun }: BulkMigrationRequest & { readonly to: number },
    onProgress: (progress: number) => void,
    signal: AbortSignal,
  ): Promise<BulkMigrationResult> {
    const ids = await this.#open(formId, from, to);
    const result: BulkMigrationResult = {
      ...{ dryRun: isDryRun, to, sheets: ids.length, moved: 0, skipped: 0, changed: 0 },
      answers: { kept: 0, converted: 0, dropped: 0 },
      ...{ failed: 0, failures: [] },
    };
    for (const [i, id] of ids.entries()) {
      // Each is moved whole: whoever asks again goes on with those that are left.
      signal.throwIfAborted();
      try {
        count(result, await this.#one(principal, formId, id, to, isDryRun));
      } catch (error) {
        if (error instanceof Problem && OVERTAKEN.has(error.code)) {
          result.skipped += 1;
        } else {
          result.failed += 1;
          const reason = error instanceof Error ? error.message : String(error);
          if (result.failures.length < MOST_FAILURES_TOLD) result.failures.push({ id, reason });
        }
      }
      onProgress((i + 1) / ids.length);
    }
    return result;
  }

  async #one(
    principal: Principal,
    formId: string,
    id: string,
    to: number,
    isDryRun: boolean,
  ): Promise<readonly AnswerMigration[]> {
    const { migrations } = this.options;
    if (isDryRun) return (await migrations.preview(formId, id, to)).answers;
    return (await migrations.migrate(principal, formId, id, to, undefined)).migration.answers;
  }

  async #open(formId: string, from: number | undefined, to: number): Promise<string[]> {
    const ids: string[] = [];
    for await (const { id, status, version } of this.options.store.scan(formId, null)) {
      if (status === 'in_progress' && version < to && (from === undefined || version === from)) ids.push(id);
    }
    return ids;
  }
}

function count(result: BulkMigrationResult, answers: readonly AnswerMigration[]): void {
  result.moved += 1;
  if (answers.some(({ outcome }) => outcome !== 'kept')) result.changed += 1;
  for (const { outcome } of answers) result.answers[outcome] += 1;
}
