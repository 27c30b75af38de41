/** The one place where errors become problem documents. Nothing internal passes: no stack, no path, no message of a library. */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import { ZodError } from 'zod';
import { OperationsRefusedError } from '../../crdt/index.js';
import { ImportError } from '../../crdt/import/index.js';
import { AuthenticationError, KeysUnavailableError, MintingUnavailableError } from '../../server/auth/index.js';
import { redactUrl } from '../../server/auth/index.js';
import { DocumentNameError } from '../../server/protocol/document-name.js';
import { RoomError } from '../../server/rooms/errors.js';
import { StorageError } from '../../server/storage/errors.js';
import { isProblemCode, Problem, PROBLEM_TYPE, shownProblem, type ProblemCode } from './problem.js';
import { PathMethods } from './path-methods.js';
import { issuesOf } from './validation.js';

/** What Fastify itself refuses. */
const FASTIFY_CODES: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_BODY_TOO_LARGE: 'too_large',
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed_json',
};

/** What is refused before there is a route: a path that cannot be decoded. */
export function sendFrameworkError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  if (error.code !== 'FST_ERR_BAD_URL') void sendProblem(request, reply, problemFrom(error));
  else void sendProblem(request, reply, new Problem('bad_request', 'The path is not percent-encoded UTF-8.'));
}

export function addProblemEdge(api: FastifyInstance, logger: Logger): void {
  api.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = problemFrom(error);
    if (problem.code === 'too_large') readOut(request, reply);
    if (problem.status >= 500) {
      const { id, method, url } = request;
      const facts = { err: error, request: id, method, url: redactUrl(url), code: problem.code };
      // What is unavailable is told where it is known why: once there, not with every request that meets it.
      if (problem.code === 'internal_error') logger.error(facts, 'a request failed');
      else logger.debug(facts, 'a request failed');
    }
    return sendProblem(request, reply, problem);
  });
  const methods = new PathMethods(api);
  api.setNotFoundHandler((request, reply) => {
    const allowed = methods.of(pathOf(request));
    if (allowed.length === 0) {
      return sendProblem(request, reply, new Problem('not_found', `There is no ${pathOf(request)}.`));
    }
    reply.header('allow', allowed.join(', '));
    const detail = `${request.method} is not possible here, but ${allowed.join(', ')}.`;
    return sendProblem(request, reply, new Problem('method_not_allowed', detail));
  });
}

const READ_OUT_BYTES = 64 * 1024 * 1024;

/**
 * A client that is cut off while it sends sees a broken pipe, not the answer. So a body that is too large, but of a
 * stated and bearable length, is read and thrown away.
 */
function readOut(request: FastifyRequest, reply: FastifyReply): void {
  if (!(Number(request.headers['content-length']) <= READ_OUT_BYTES)) return;
  reply.removeHeader('connection');
  request.raw.resume();
}

function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply {
  const { status } = problem;
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="formloom"');
  const retryAfter = problem.retryAfterSeconds ?? (status === 503 ? 1 : undefined);
  if (retryAfter !== undefined) reply.header('retry-after', String(Math.max(1, Math.ceil(retryAfter))));
  return reply
    .code(status)
    .type(PROBLEM_TYPE)
    .serializer((payload: unknown) => JSON.stringify(payload))
    .send(shownProblem(problem, pathOf(request)));
}

/** Without the query: it may hold a token. */
function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? '/';
}

function problemFrom(error: Error & { code?: unknown; statusCode?: unknown }): Problem {
  if (error instanceof Problem) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const prefix =
      error.validationContext === 'body' || error.validationContext === undefined ? '' : `${error.validationContext}.`;
    const errors = error.validation.map(({ instancePath, message }) => ({
      path: prefix + instancePath.replace(/^\//, '').replaceAll('/', '.'),
      message: message ?? 'is not valid',
    }));
    return new Problem('validation_failed', summary(errors), { errors });
  }
  if (error instanceof ZodError) {
    const errors = issuesOf(error);
    return new Problem('validation_failed', summary(errors), { errors });
  }
  if (error instanceof OperationsRefusedError) {
    return new Problem('operations_refused', 'Nothing was changed.', {
      errors: error.issues.map(({ path, message }) => ({ path: path.replaceAll('/', '.'), message })),
    });
  }
  if (error instanceof ImportError) {
    return new Problem(error.code, 'Nothing was imported.', { errors: [...error.issues] });
  }
  if (isOurs(error) && isProblemCode(error.code)) return new Problem(error.code, error.message, { cause: error });
  if (isOurs(error) && error.code === 'document_deleted') {
    return new Problem('document_not_found', error.message, { cause: error });
  }
  const known = typeof error.code === 'string' ? FASTIFY_CODES[error.code] : undefined;
  if (known !== undefined) return new Problem(known, error.message);
  if (error instanceof SyntaxError && error.statusCode === 400)
    return new Problem('malformed_json', 'The body is not JSON.');
  if (typeof error.statusCode === 'number' && error.statusCode >= 400 && error.statusCode < 500) {
    return new Problem('bad_request', 'The request cannot be understood.');
  }
  return new Problem('internal_error', 'The request failed; the log of the server says why.', { cause: error });
}

/** Errors whose messages are written for callers. */
function isOurs(error: Error): error is Error & { code: string } {
  return [
    AuthenticationError,
    KeysUnavailableError,
    MintingUnavailableError,
    DocumentNameError,
    RoomError,
    StorageError,
  ].some((kind) => error instanceof kind);
}

function summary(errors: readonly { path: string; message: string }[]): string {
  const [first] = errors;
  if (first === undefined) return 'A value is not valid.';
  const others = errors.length === 1 ? '' : ` (and ${errors.length - 1} more)`;
  return `${first.path === '' ? '' : `${first.path}: `}${first.message}${others}`;
}
