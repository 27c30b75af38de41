/**
 * What went wrong, as callers see it: RFC 9457 problem documents with a stable `code`.
 *
 * Services throw a `Problem` with a code from the catalogue where the fact is known; `problem-edge.ts` is the one place
 * that turns errors into responses.
 */

/** The stable codes, what HTTP calls them, and what they are called for people. */
export const PROBLEMS = {
  bad_request: { status: 400, title: 'The request is malformed' },
  malformed_json: { status: 400, title: 'The body is not JSON' },
  document_name_invalid: { status: 400, title: 'The text cannot name a document' },
  malformed_update: { status: 400, title: 'The bytes are not a Yjs update' },
  malformed_state_vector: { status: 400, title: 'The text is not a Yjs state vector in base64' },
  token_missing: { status: 401, title: 'A token is needed' },
  token_invalid: { status: 401, title: 'The token is not valid' },
  token_expired: { status: 401, title: 'The token expired' },
  token_revoked: { status: 401, title: 'The token was revoked' },
  resume_token_invalid: { status: 401, title: 'The resume token opens nothing' },
  forbidden: { status: 403, title: 'The token does not give this right' },
  out_of_scope: { status: 403, title: 'The token is limited to other parts of the form' },
  server_written: { status: 403, title: 'The document is written by the server alone' },
  not_found: { status: 404, title: 'There is nothing here' },
  form_not_found: { status: 404, title: 'There is no such form' },
  version_not_found: { status: 404, title: 'The form has no such version' },
  field_not_found: { status: 404, title: 'The form has no such field' },
  conflict_not_found: { status: 404, title: 'The form has no such open conflict' },
  document_not_found: { status: 404, title: 'There is no such document' },
  snapshot_not_found: { status: 404, title: 'There is no such snapshot' },
  connection_not_found: { status: 404, title: 'There is no such connection' },
  thread_not_found: { status: 404, title: 'The form has no such thread' },
  comment_not_found: { status: 404, title: 'The thread has no such comment' },
  notification_not_found: { status: 404, title: 'There is no such notification' },
  webhook_not_found: { status: 404, title: 'There is no such webhook' },
  delivery_not_found: { status: 404, title: 'The webhook has no such delivery' },
  pool_not_found: { status: 404, title: 'There is no such pool' },
  queue_not_found: { status: 404, title: 'There is no such queue' },
  alert_not_found: { status: 404, title: 'There is no such alert' },
  alert_rule_not_found: { status: 404, title: 'There is no such alert rule' },
  silence_not_found: { status: 404, title: 'There is no such silence' },
  dead_letter_not_found: { status: 404, title: 'There is no such dead letter' },
  breaker_not_found: { status: 404, title: 'There is no such circuit breaker' },
  backup_not_found: { status: 404, title: 'There is no such backup' },
  operation_not_found: { status: 404, title: 'There is no such operation' },
  file_not_found: { status: 404, title: 'The submission has no such file' },
  submission_not_found: { status: 404, title: 'The form has no such submission' },
  method_not_allowed: { status: 405, title: 'The method is not allowed here' },
  request_timeout: { status: 408, title: 'The request did not come in time' },
  wrong_role: { status: 421, title: 'This node does not serve it' },
  not_acceptable: { status: 406, title: 'There is no such representation' },
  conflict: { status: 409, title: 'The request conflicts with the present state' },
  field_locked: { status: 409, title: 'Somebody else has locked the field' },
  schema_newer: { status: 409, title: 'The form was made by a later version' },
  form_exists: { status: 409, title: 'There is a form with this id' },
  form_deleted: { status: 409, title: 'A form with this id was deleted' },
  comment_deleted: { status: 409, title: 'The comment was deleted' },
  form_not_published: { status: 409, title: 'The form has no published version' },
  submission_closed: { status: 409, title: 'The submission was handed in' },
  status_transition_refused: { status: 409, title: 'The submission cannot take this status now' },
  idempotency_key_reused: { status: 409, title: 'The idempotency key was used for another request' },
  request_in_progress: { status: 409, title: 'The same request is being worked on' },
  replay_failed: { status: 409, title: 'The dead letter cannot be delivered now' },
  update_incomplete: { status: 409, title: 'The update builds on updates that are not here' },
  stale: { status: 412, title: 'It has changed meanwhile' },
  too_large: { status: 413, title: 'The body is too large' },
  document_too_large: { status: 413, title: 'The document would be too large' },
  update_too_costly: { status: 413, title: 'The update takes too much work to apply' },
  unsupported_media_type: { status: 415, title: 'The content type is not understood' },
  range_not_satisfiable: { status: 416, title: 'There are no such bytes' },
  validation_failed: { status: 422, title: 'Some values are not valid' },
  candidate_not_found: { status: 422, title: 'The conflict has no such candidate' },
  operations_refused: { status: 422, title: 'The operations cannot be applied' },
  unsupported_format: { status: 422, title: 'There is no such format' },
  invalid_source: { status: 422, title: 'The source is not a form in that format' },
  headers_too_large: { status: 431, title: 'The header fields are too large' },
  rate_limited: { status: 429, title: 'Too many requests' },
  minting_unavailable: { status: 501, title: 'This server cannot mint tokens' },
  internal_error: { status: 500, title: 'The server failed' },
  document_unavailable: { status: 503, title: 'The document is not available now' },
  document_corrupted: { status: 503, title: 'The stored document is damaged' },
  overloaded: { status: 503, title: 'The server is overloaded' },
  keys_unavailable: { status: 503, title: 'The keys that verify tokens cannot be fetched' },
  storage_unavailable: { status: 503, title: 'The store is not available' },
  draining: { status: 503, title: 'The server is going away' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof PROBLEMS;

/** A value that is wrong, and where: a JSON path with dots, such as `operations.0.target`. */
export interface ProblemIssue {
  readonly path: string;
  readonly message: string;
}

export interface ProblemDetails {
  readonly errors?: readonly ProblemIssue[];
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** Its message is the `detail` and goes to the caller: nothing internal belongs in it. */
export class Problem extends Error {
  readonly errors: readonly ProblemIssue[] | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    readonly code: ProblemCode,
    detail: string,
    details: ProblemDetails = {},
  ) {
    super(detail, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'Problem';
    this.errors = details.errors;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }
}

export const PROBLEM_TYPE = 'application/problem+json';

/** The document that a caller gets. @param instance the path that was asked for, without its query: it may hold a token */
export function shownProblem({ code, message, errors }: Problem, instance: string): object {
  const { status, title } = PROBLEMS[code];
  const type = `urn:formloom:problem:${code}`;
  return { type, title, status, detail: message, instance, code, ...(errors === undefined ? {} : { errors }) };
}

export function isProblemCode(code: unknown): code is ProblemCode {
  return typeof code === 'string' && Object.hasOwn(PROBLEMS, code);
}
