/** What clients tell by themselves: what is looked at, focused and left. */
import { can, type Principal } from '../../server/auth/index.js';
import type { Fact, FactLog } from '../../server/analytics/index.js';
import type { FormJson } from '../../crdt/index.js';
import type { FormService } from '../forms/service.js';
import { notHere } from '../http/caller.js';
import { Problem, type ProblemIssue } from '../http/problem.js';
import { requireSheetRight } from '../submissions/access/rights.js';
import type { Sheets, SubmissionStore } from '../submissions/index.js';
import type { ClientEvent } from './schemas.js';
import { pagesByField } from './intake/sheet-look.js';
import type { SheetStates } from './intake/sheet-states.js';

const MAX_AGE_MS = 24 * 3_600_000;
const MAX_AHEAD_MS = 60_000;

export interface ClientEventsOptions {
  readonly forms: FormService;
  readonly store: SubmissionStore;
  readonly sheets: Sheets;
  readonly states: SheetStates;
  readonly facts: FactLog;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
}

/** Pages and fields that one form, or one sheet of it, may be told of. */
interface Known {
  readonly forms: readonly FormJson[];
}

export class ClientEvents {
  constructor(private readonly options: ClientEventsOptions) {}

  /**
   * All or none. Durable when it resolves.
   * @throws Problem `form_not_found`, `submission_not_found`, `validation_failed`
   */
  async take(principal: Principal, events: readonly ClientEvent[]): Promise<void> {
    const known = new Map<string, Known>();
    const issues: ProblemIssue[] = [];
    for (const [i, event] of events.entries()) {
      const key = `${event.formId} ${event.submissionId ?? ''}`;
      let there = known.get(key);
      if (there === undefined) known.set(key, (there = await this.#known(principal, event)));
      issues.push(...this.#issuesOf(event, there).map((issue) => ({ ...issue, path: `events.${i}.${issue.path}` })));
    }
    if (issues.length > 0) throw new Problem('validation_failed', 'Some events are not valid.', { errors: issues });
    const byForm = new Map<string, Fact[]>();
    for (const event of events) {
      const facts = byForm.get(event.formId) ?? [];
      byForm.set(event.formId, facts);
      facts.push(await this.#factOf(principal, event));
    }
    for (const [formId, facts] of byForm) await this.options.facts.append(formId, facts);
  }

  async #known(principal: Principal, { formId, submissionId }: ClientEvent): Promise<Known> {
    const { forms, store, sheets } = this.options;
    if (submissionId !== undefined) {
      requireSheetRight(principal, formId, submissionId, 'read');
      const found = await store.get(formId, submissionId);
      if (found === undefined) {
        throw new Problem('submission_not_found', `The form has no submission "${submissionId}".`);
      }
      return { forms: [await sheets.form(found.record)] };
    }
    const document = `form/${formId}`;
    if (!can(principal, document, 'read')) throw notHere('form_not_found', document);
    const { form } = await forms.read(formId);
    const published = await forms.versions.latest(formId);
    return { forms: published === undefined ? [form] : [form, published.form] };
  }

  #issuesOf({ page, field, at }: ClientEvent, { forms }: Known): ProblemIssue[] {
    const issues: ProblemIssue[] = [];
    if (page !== undefined && !forms.some(({ pages }) => pages.some(({ id }) => id === page))) {
      issues.push({ path: 'page', message: 'is not a page of the form' });
    }
    if (field !== undefined && !forms.some((form) => pagesByField(form).has(field))) {
      issues.push({ path: 'field', message: 'is not a field of the form' });
    }
    const time = at === undefined ? undefined : Date.parse(at);
    const now = this.options.clock();
    if (time !== undefined && (time < now - MAX_AGE_MS || time > now + MAX_AHEAD_MS)) {
      issues.push({ path: 'at', message: 'is more than 24 hours ago, or in the future' });
    }
    return issues;
  }

  async #factOf(principal: Principal, event: ClientEvent): Promise<Fact> {
    const { states, store, clock } = this.options;
    const { type, formId, submissionId, page, field } = event;
    const at = event.at === undefined ? clock() : Math.min(Date.parse(event.at), clock());
    const place = { ...(page === undefined ? {} : { page }), ...(field === undefined ? {} : { field }) };
    let who = event.session ?? principal.id;
    if (submissionId !== undefined) {
      who = (await states.update(formId, submissionId, (now) => ({ ...now, ...place }))).alias;
      // Erased since it was looked for: nothing of it is remembered.
      if ((await store.get(formId, submissionId)) === undefined) await states.erase(formId, submissionId);
    }
    if (type === 'view') return { type, at, who, user: principal.id, ...place };
    if (type === 'focus') return { type, at, who, ...place };
    const { seconds } = event;
    const stay = seconds === undefined ? {} : { seconds };
    return { type, at, who, ...place, ...stay, isFinal: submissionId === undefined };
  }
}
