/** One answer sheet, typed: answers that are saved as they are given, and what the server says of them. */
import type * as Y from 'yjs';
import type { Json } from '../../crdt/form/form-json.js';
import {
  readAnswers,
  readSheetMeta,
  writeAnswers,
  writePage,
  type AnswerValues,
  type SheetMeta,
} from '../../crdt/submission/answer-sheet.js';
import type { Connection } from '../connection/connection.js';
import { delivered } from '../connection/delivered.js';
import type { RestCaller } from '../rest/caller.js';
import { connect, type DocumentOptions, type Server, type ServerOptions } from '../server.js';
import { Derived } from '../subscribable.js';

/** As `POST …/submissions` and `POST /submissions/resume` answer. */
export interface StartedSubmission {
  readonly id: string;
  readonly formId: string;
  /** For this sheet alone; null where none is needed. */
  readonly token: string | null;
  /** Opens the sheet again later. As secret as a password. */
  readonly resumeToken?: string;
  readonly version: number;
}

/** What the server found when it last looked, within moments of each edit. */
export interface SheetVerdict {
  readonly progress: { readonly percent: number; readonly answered: number; readonly required: number } | undefined;
  readonly errors: readonly {
    readonly field: string;
    readonly path: string;
    readonly code: string;
    readonly message: string;
  }[];
  /** A newer published version that the sheet may move to; null when there is none. */
  readonly offer: { readonly version: number } | null;
}

/** What moving to a newer version would do to the answers, or did. */
export interface SheetMigration {
  readonly from: number;
  readonly to: number;
  readonly answers: readonly {
    readonly field: string;
    /** What was not kept as it was stays in the record of the submission. */
    readonly outcome: 'kept' | 'converted' | 'dropped';
    readonly before: Json;
    readonly after?: Json;
    readonly message?: string;
  }[];
}

/** @throws RequestRefusedError */
export function startSubmission(
  server: Server,
  formId: string,
  body: { readonly answers?: AnswerValues; readonly timeZone?: string } = {},
): Promise<StartedSubmission> {
  return server.rest.request('POST', `/forms/${encodeURIComponent(formId)}/submissions`, { body });
}

/** @throws RequestRefusedError */
export function resumeSubmission(server: Server, resumeToken: string): Promise<StartedSubmission> {
  return server.rest.request('POST', '/submissions/resume', { body: { resumeToken } });
}

/** @param serverOptions as for `connect`; the token of the sheet takes the place of `token` */
export function openSubmission(
  serverOptions: ServerOptions,
  { formId, id, token }: Pick<StartedSubmission, 'formId' | 'id' | 'token'>,
  options: DocumentOptions = {},
): SubmissionHandle {
  const server = connect(token === null ? serverOptions : { ...serverOptions, token });
  return new SubmissionHandle(formId, id, server.open(`form/${formId}/submission/${id}`, options), server);
}

export class SubmissionHandle {
  readonly #answers = new Derived<AnswerValues>(() => readAnswers(this.doc));
  readonly #verdict = new Derived<SheetVerdict>(() => readVerdict(this.connection));
  readonly #onUpdate = (): void => this.#answers.invalidate();
  readonly #onAwareness = (): void => this.#verdict.invalidate();
  readonly #rest: RestCaller;

  constructor(
    readonly formId: string,
    readonly id: string,
    readonly connection: Connection,
    private readonly server: Server,
  ) {
    this.#rest = server.rest;
    this.doc.on('update', this.#onUpdate);
    connection.awareness?.on('change', this.#onAwareness);
    connection.on('destroyed', () => this.#release());
  }

  get doc(): Y.Doc {
    return this.connection.doc;
  }

  /** By field id. The same object until it changes. */
  get answers(): AnswerValues {
    return this.#answers.get();
  }

  /** Form, version, status, and the page that was last looked at. */
  get meta(): SheetMeta {
    return readSheetMeta(this.doc);
  }

  /** Progress, errors, and the offer of a newer version; needs awareness. For an opinion without a round trip use `inspectSheet` of `formloom/crdt`. */
  get verdict(): SheetVerdict {
    return this.#verdict.get();
  }

  /** Calls when `answers` or `meta` have changed. @returns ends it */
  readonly subscribe = this.#answers.subscribe;

  /** Calls when `verdict` has changed. @returns ends it */
  readonly subscribeVerdict = this.#verdict.subscribe;

  /** By field id; null takes an answer away. */
  answer(changes: Readonly<Record<string, Json>>): void {
    this.doc.transact(() => writeAnswers(this.doc, changes), this);
  }

  turnTo(page: string): void {
    this.doc.transact(() => writePage(this.doc, page), this);
  }

  /**
   * Hands it in, with all that was answered here: it waits until the server has that. Twice is once.
   *
   * @throws RequestRefusedError: `validation_failed` with `errors` by field; ConnectionClosedError when there are answers that
   * the server does not have, and no line to it
   */
  async submit(): Promise<{ readonly id: string; readonly status: string }> {
    await delivered(this.connection);
    return this.#rest.request('POST', `${this.#path}/submit`);
  }

  /** What is wrong and what is missing. @throws RequestRefusedError */
  validate(): Promise<{ readonly valid: boolean; readonly errors: SheetVerdict['errors'] }> {
    return this.#rest.request('POST', `${this.#path}/validate`);
  }

  /** Nothing changes. @param version the newest when absent @throws RequestRefusedError */
  previewMigration(version?: number): Promise<SheetMigration> {
    return this.#rest.request('GET', `${this.#path}/migration`, version === undefined ? {} : { query: { version } });
  }

  /**
   * Moves the sheet to the version that `verdict.offer` names, for everybody who fills it. `meta.version` says when it has
   * happened: then read the form in that version.
   *
   * @param version the newest when absent
   * @throws RequestRefusedError
   */
  migrate(version?: number): Promise<SheetMigration> {
    return this.#rest.request('POST', `${this.#path}/migration`, { body: version === undefined ? {} : { version } });
  }

  /** Ends the connection too. */
  close(): void {
    this.server.close();
  }

  #release(): void {
    this.doc.off('update', this.#onUpdate);
    this.connection.awareness?.off('change', this.#onAwareness);
  }

  get #path(): string {
    return `/forms/${encodeURIComponent(this.formId)}/submissions/${encodeURIComponent(this.id)}`;
  }
}

/** The server stamps a `user` into the states of everybody else, so that nobody can pass for it. */
function readVerdict({ awareness }: Connection): SheetVerdict {
  for (const state of awareness?.getStates().values() ?? []) {
    if (state['server'] !== true || state['user'] !== undefined) continue;
    const { progress, errors, offer } = state as Partial<SheetVerdict>;
    return { progress, errors: errors ?? [], offer: offer ?? null };
  }
  return { progress: undefined, errors: [], offer: null };
}
