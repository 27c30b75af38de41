/** The questions of analytics. Each reads a bounded number of records. Knows no HTTP. */
import { LRUCache } from 'lru-cache';
import type { FieldJson, FormJson } from '../../crdt/index.js';
import {
  countOf,
  medianOf,
  STEPS,
  type Bucket,
  type LiveBoard,
  type LiveForm,
  type Place,
  type RollupStore,
  type Step,
} from '../../server/analytics/index.js';
import type { z } from 'zod';
import type { FormService } from '../forms/service.js';
import { timeOf } from '../http/pages.js';
import { Problem } from '../http/problem.js';
import type { SubmissionStore } from '../submissions/index.js';
import { distributionOf, type Distribution } from './distribution.js';
import { ACTIVITY, activityOf, FIGURES, figuresOf, shareOf, sumOf } from './figures.js';
import { METRICS, valueOf, type Metric } from './metrics.js';
import type * as schemas from './schemas.js';

const MAX_POINTS = 5_000;
const MAX_FORMS = 10_000;
const MAX_PLACES = 10_000;
const MAX_USERS = 5_000;
const SHOWN = 200;
const BUSIEST = 10;
const OVERVIEW_MS = 2_000;
const CACHED_DISTRIBUTIONS = 500;
const DAY_MS = 86_400_000;
/** What is shown when nobody says from when on, in steps. */
const DEFAULT_STEPS: Readonly<Record<Step, number>> = { minute: 60, hour: 24, day: 30 };

export interface AnalyticsServiceOptions {
  readonly rollups: RollupStore;
  readonly live: LiveBoard;
  readonly forms: FormService;
  readonly store: SubmissionStore;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
}

export interface Range {
  readonly from: number | undefined;
  readonly to: number | undefined;
  readonly step: Step;
}

export interface Series {
  readonly from: number;
  readonly to: number;
  readonly points: readonly { readonly time: number; readonly values: Readonly<Record<Metric, number>> }[];
}

type FormReport = z.infer<typeof schemas.formReportSchema>;
type Funnel = z.infer<typeof schemas.funnelSchema>;
type FieldReport = z.infer<typeof schemas.fieldReportSchema>;
type Collaboration = z.infer<typeof schemas.collaborationSchema>;
type Totals = Awaited<ReturnType<RollupStore['totals']>>;

export class AnalyticsService {
  /** By form, field and what was counted: they change with every submission. */
  readonly #distributions = new LRUCache<string, Distribution>({ max: CACHED_DISTRIBUTIONS });
  #totals: { readonly at: number; readonly totals: Promise<Totals> } | undefined;

  constructor(private readonly options: AnalyticsServiceOptions) {}

  async overview(): Promise<z.infer<typeof schemas.overviewSchema>> {
    const totals = await this.#allTotals();
    const forms = totals.slice(0, MAX_FORMS).map(({ formId, total }) => ({ formId, ...figuresOf(total) }));
    const sums = figuresOf();
    for (const form of forms) for (const name of FIGURES) sums[name] += form[name];
    const live = sumOf([...this.options.live.now().values()]);
    const busiest = forms
      .map((form) => ({ ...form, activity: form.views + form.starts + form.submissions + form.edits + form.comments }))
      .sort((a, b) => b.activity - a.activity || (a.formId < b.formId ? -1 : 1))
      .slice(0, BUSIEST);
    return { forms: forms.length, isComplete: totals.length <= MAX_FORMS, totals: sums, live, busiest };
  }

  /** Whoever asks within two seconds shares one reading of the store. */
  async #allTotals(): Promise<Totals> {
    const now = this.options.clock();
    if (this.#totals === undefined || now - this.#totals.at > OVERVIEW_MS) {
      this.#totals = { at: now, totals: this.options.rollups.totals(MAX_FORMS + 1) };
    }
    const { totals } = this.#totals;
    try {
      return await totals;
    } catch (error) {
      this.#totals = undefined;
      throw error;
    }
  }

  /** @throws Problem `form_not_found` */
  async form(formId: string): Promise<FormReport> {
    await this.#requireForm(formId);
    const total = await this.options.rollups.total(formId);
    const figures = figuresOf(total);
    return {
      formId,
      ...figures,
      visitors: countOf(total.visitors),
      inProgress: Math.max(0, total.starts - total.submissions - figures.abandoned),
      completionRate: shareOf(total.submissions, total.starts),
      abandonmentRate: shareOf(figures.abandoned, total.starts),
      medianSeconds: medianOf(total.durations),
      devices: total.devices,
      answers: total.answers,
      corrections: total.corrections,
      errors: total.errors,
      authors: countOf(total.authors),
      conflicts: { opened: total.conflictsOpened, resolved: total.conflictsResolved },
      peakEditors: total.editors,
      peakRespondents: total.respondents,
    };
  }

  /** A point for each span, also where nothing happened. @throws Problem `form_not_found`, `validation_failed` */
  async series(formId: string, range: Range): Promise<Series> {
    await this.#requireForm(formId);
    const ms = STEPS[range.step];
    const to = range.to ?? this.options.clock();
    const from = Math.floor((range.from ?? to - DEFAULT_STEPS[range.step] * ms) / ms) * ms;
    const points = Math.ceil((to - from) / ms);
    if (from >= to || points > MAX_POINTS || from < 0) {
      const message =
        from >= to || from < 0 ? 'is not before `to`' : `asks for ${points} points; ${MAX_POINTS} at most`;
      throw new Problem('validation_failed', `The range ${message}.`, {
        errors: [{ path: 'querystring.from', message }],
      });
    }
    const spans = await this.options.rollups.spans(formId, range.step, from, to);
    const byStart = new Map(spans.map(({ start, bucket }) => [start, bucket]));
    return {
      from,
      to,
      points: Array.from({ length: points }, (_, i) => {
        const time = from + i * ms;
        return { time, values: valuesOf(byStart.get(time)) };
      }),
    };
  }

  /** @throws Problem `form_not_found` */
  async funnel(formId: string): Promise<Funnel> {
    const form = await this.#form(formId);
    const { rollups } = this.options;
    const [total, places] = await Promise.all([rollups.total(formId), rollups.places(formId, MAX_PLACES)]);
    const known = new Map(places.map((place) => [`${place.kind} ${place.id}`, place]));
    const stage = (kind: Place['kind'], id: string): Funnel['pages'][number]['fields'][number] => {
      const place = known.get(`${kind} ${id}`);
      const reached = place === undefined ? 0 : countOf(place.reached);
      return { id, reached, answered: place?.answered ?? 0, left: place?.left ?? 0 };
    };
    return {
      formId,
      views: total.views,
      starts: total.starts,
      submissions: total.submissions,
      pages: form.pages.map(({ id, fields }) => ({
        ...stage('page', id),
        fields: allOf(fields).map((field) => stage('field', field.id)),
      })),
    };
  }

  /** @throws Problem `form_not_found`, `field_not_found` */
  async field(formId: string, fieldId: string): Promise<FieldReport> {
    const { rollups, store } = this.options;
    const form = await this.#form(formId);
    const field = form.pages.flatMap(({ fields }) => allOf(fields)).find(({ id }) => id === fieldId);
    if (field === undefined) throw new Problem('field_not_found', `The form has no field "${fieldId}".`);
    const [place, total] = await Promise.all([rollups.place(formId, 'field', fieldId), rollups.total(formId)]);
    const key = `${formId} ${JSON.stringify(field)} ${total.upTo}`;
    let distribution = this.#distributions.get(key);
    if (distribution === undefined) {
      distribution = await distributionOf(store, formId, field);
      this.#distributions.set(key, distribution);
    }
    const { values, numbers, texts, ...facts } = distribution;
    return {
      formId,
      fieldId,
      type: field.type,
      reached: countOf(place.reached),
      answered: place.answered,
      left: place.left,
      errors: place.wrong,
      corrections: place.corrected,
      errorRate: shareOf(place.wrong, place.answered),
      correctionRate: shareOf(place.corrected, place.answered),
      meanSeconds: shareOf(place.staySeconds, place.stays),
      distribution: {
        ...facts,
        ...(values === undefined ? {} : { values: [...values] }),
        ...(numbers === undefined ? {} : { numbers: { ...numbers, bins: [...numbers.bins] } }),
        ...(texts === undefined ? {} : { texts }),
      },
    };
  }

  /** @throws Problem `form_not_found` */
  async collaboration(formId: string): Promise<Collaboration> {
    await this.#requireForm(formId);
    const { rollups, live } = this.options;
    const [total, users] = await Promise.all([rollups.total(formId), rollups.usersOf(formId, MAX_USERS)]);
    const data = users
      .filter(({ activity }) => activity.edits + activity.comments > 0)
      .sort((a, b) => b.activity.edits - a.activity.edits || b.activity.comments - a.activity.comments)
      .slice(0, SHOWN)
      .map(({ userId, activity: { edits, editedBytes, comments, lastAt } }) => ({
        ...{ userId, edits, bytes: editedBytes, comments, lastAt: timeOf(lastAt) },
      }));
    const { conflictsOpened: opened, conflictsResolved: resolved } = total;
    return {
      formId,
      edits: total.edits,
      authors: countOf(total.authors),
      comments: total.comments,
      conflicts: { opened, resolved, open: Math.max(0, opened - resolved) },
      editors: live.now().get(formId)?.editors ?? 0,
      peakEditors: total.editors,
      isComplete: users.length < MAX_USERS,
      data,
    };
  }

  async user(userId: string): Promise<z.infer<typeof schemas.userReportSchema>> {
    const forms = await this.options.rollups.formsOf(userId, MAX_USERS);
    const sums = activityOf();
    const days = new Map<string, number>();
    for (const { activity } of forms) {
      const one = activityOf(activity);
      for (const name of ACTIVITY) sums[name] += one[name];
      for (const [day, count] of Object.entries(activity.days)) days.set(day, (days.get(day) ?? 0) + count);
    }
    const newest = [...forms].sort((a, b) => b.activity.lastAt - a.activity.lastAt);
    const [last] = newest;
    return {
      userId,
      ...sums,
      lastAt: last === undefined ? null : timeOf(last.activity.lastAt),
      isComplete: forms.length < MAX_USERS,
      forms: newest.slice(0, SHOWN).map(({ formId, activity }) => ({
        ...{ formId, ...activityOf(activity), lastAt: timeOf(activity.lastAt) },
      })),
      days: [...days]
        .sort(([a], [b]) => Number(a) - Number(b))
        .slice(-60)
        .map(([day, activity]) => ({ day: timeOf(Number(day) * DAY_MS).slice(0, 10), activity })),
    };
  }

  /** Of the forms that the principal may see, the busiest first. */
  live(mayRead: (formId: string) => boolean, limit: number): z.infer<typeof schemas.liveSchema> {
    const forms = [...this.options.live.now()].filter(([formId]) => mayRead(formId));
    const weight = ({ editors, respondents, editsPerMinute }: LiveForm): number =>
      editors + respondents + editsPerMinute / 60;
    const data = forms
      .map(([formId, live]) => ({ formId, ...live }))
      .sort((a, b) => weight(b) - weight(a) || (a.formId < b.formId ? -1 : 1))
      .slice(0, limit);
    const at = timeOf(this.options.clock());
    return { at, forms: forms.length, ...sumOf(forms.map(([, live]) => live)), data };
  }

  async #requireForm(formId: string): Promise<void> {
    await this.#form(formId);
  }

  /** @throws Problem `form_not_found` */
  async #form(formId: string): Promise<FormJson> {
    return (await this.options.forms.read(formId)).form;
  }
}

const valuesOf = (bucket: Bucket | undefined): Record<Metric, number> =>
  Object.fromEntries(METRICS.map((metric) => [metric, bucket === undefined ? 0 : valueOf(bucket, metric)])) as Record<
    Metric,
    number
  >;

const allOf = (fields: readonly FieldJson[]): FieldJson[] =>
  fields.flatMap((field) => [field, ...allOf(field.fields ?? [])]);
