/**
 * From one published version to a newer one, through the live room: whoever has the sheet open sees it move. Answers
 * that have no place in the new version leave the sheet and stay in the record. Knows no HTTP.
 */
import {
  isOpenSheet,
  migrateAnswers,
  migratedAnswers,
  readSheetMeta,
  writeAnswers,
  writeVersion,
  type AnswerMigration,
  type AnswerValues,
} from '../../../crdt/submission/index.js';
import { diffForms, impactOf, type FormChange, type FormJson, type Impact } from '../../../crdt/index.js';
import { identityOf, type Principal } from '../../../server/auth/index.js';
import type { Rooms } from '../../../server/rooms/rooms.js';
import type { FormVersions } from '../../forms/versions.js';
import { requireMatch } from '../../http/etag.js';
import { Problem } from '../../http/problem.js';
import type { Announcements } from '../announcements.js';
import type { SheetLifeCycle } from '../life-cycle/life-cycle.js';
import { closed } from '../records/submission-record.js';
import type { SubmissionStore } from '../records/submission-store.js';
import { sheetDocument } from '../access/rights.js';
import { contentOf, etagOfSheet, type Sheets, type SubmissionView } from '../sheets.js';

export interface SubmissionMigrationsOptions {
  readonly rooms: Rooms;
  readonly store: SubmissionStore;
  readonly sheets: Sheets;
  readonly versions: FormVersions;
  readonly lifeCycle: SheetLifeCycle;
  readonly announcements: Announcements;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
}

/** What moving would do, or did. */
export interface Migration {
  readonly from: number;
  readonly to: number;
  readonly changes: readonly FormChange[];
  readonly impact: readonly Impact[];
  readonly answers: readonly AnswerMigration[];
  readonly etag: string;
}

const MAX_ATTEMPTS = 20;

export class SubmissionMigrations {
  constructor(private readonly options: SubmissionMigrationsOptions) {}

  /**
   * Nothing changes.
   * @param version the newest one when absent
   * @throws Problem `submission_not_found`, `version_not_found`, `submission_closed`, `validation_failed`
   */
  async preview(formId: string, id: string, version: number | undefined): Promise<Migration> {
    const { sheets } = this.options;
    const { record } = await this.options.store.require(formId, id);
    if (record.final !== null) throw closed(record);
    const { answers } = await sheets.content(record);
    const forms = await this.#forms(formId, record.version, version);
    return { ...forms.shown, answers: migrateAnswers(forms.after, answers), etag: etagOfSheet(record, answers) };
  }

  /** @throws what `preview` throws, and Problem `stale`, `conflict` */
  async migrate(
    principal: Principal,
    formId: string,
    id: string,
    version: number | undefined,
    ifMatch: string | undefined,
  ): Promise<{ migration: Migration; view: SubmissionView }> {
    const { rooms, store, sheets, lifeCycle, clock } = this.options;
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const stored = await lifeCycle.reopen(principal, await this.options.store.require(formId, id));
      const { record } = stored;
      const forms = await this.#forms(formId, record.version, version);
      const { result } = await rooms.edit(
        sheetDocument(formId, id),
        principal,
        (doc) => {
          const meta = readSheetMeta(doc);
          if (!isOpenSheet(meta)) throw closed({ id, status: meta.status });
          const before = contentOf(doc).answers;
          requireMatch(ifMatch, etagOfSheet(record, before));
          const answers = migrateAnswers(forms.after, before);
          writeAnswers(doc, migratedAnswers(answers));
          writeVersion(doc, forms.shown.to);
          return { answers, content: contentOf(doc) };
        },
        { source: 'rest' },
      );
      const { from, to } = forms.shown;
      const moved = { from, to, at: clock(), by: identityOf(principal), dropped: droppedOf(result.answers) };
      const migrated = { ...record, version: to, migrations: [...record.migrations, moved] };
      if (!(await store.replace(stored, migrated))) {
        await this.#showVersion(principal, formId, id);
        continue;
      }
      await this.options.announcements.migrated(migrated, principal.id, from);
      const view = await sheets.view(migrated, result.content);
      return { migration: { ...forms.shown, answers: result.answers, etag: view.etag }, view };
    }
    throw new Problem('conflict', 'The submission changes faster than it can be moved.');
  }

  /** The sheet says again what its record says: the migration came to nothing. */
  async #showVersion(principal: Principal, formId: string, id: string): Promise<void> {
    const { record } = await this.options.store.require(formId, id);
    await this.options.rooms.edit(sheetDocument(formId, id), principal, (doc) => writeVersion(doc, record.version), {
      source: 'rest',
    });
  }

  async #forms(
    formId: string,
    from: number,
    wanted: number | undefined,
  ): Promise<{ after: FormJson; shown: Pick<Migration, 'from' | 'to' | 'changes' | 'impact'> }> {
    const { sheets, versions } = this.options;
    const to = wanted ?? (await versions.latest(formId))?.version ?? from;
    if (to <= from) {
      const message = `must be newer than ${from}, to which the submission is pinned`;
      throw new Problem('validation_failed', `version ${message}.`, { errors: [{ path: 'version', message }] });
    }
    const [before, after] = await Promise.all([
      sheets.form({ formId, version: from }),
      sheets.form({ formId, version: to }),
    ]);
    const diff = diffForms(before, after);
    return { after, shown: { from, to, changes: diff.changes, impact: impactOf(diff, before) } };
  }
}

/** Also what a converted answer was: nothing that somebody wrote is lost. */
function droppedOf(migrations: readonly AnswerMigration[]): AnswerValues {
  return Object.fromEntries(
    migrations.filter(({ outcome }) => outcome !== 'kept').map(({ field, before }) => [field, before]),
  );
}
