/** The REST surface as the commands call it. */
import { z } from 'zod';
import { CommandError, EXIT } from './output.js';

const problemSchema = z.object({
  title: z.string().optional(),
  detail: z.string().optional(),
  code: z.string().optional(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});

export interface ApiTarget {
  /** Where the server is, such as http://127.0.0.1:1234. */
  readonly url: string;
  readonly token?: string | undefined;
  /** How long an answer may take; as long as it likes when absent. */
  readonly timeoutMs?: number | undefined;
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `/api/v1`. */
  readonly path: string;
  /** Bytes are sent as they are, all else as JSON. */
  readonly body?: unknown;
  readonly accept?: string;
  /** Answers of 4xx and 5xx are answers too. */
  readonly isAnyStatusTaken?: boolean;
}

/** It takes the connection, and says nothing: it hangs, or has far too much to do. */
export class SilentServerError extends CommandError {}

/** @throws CommandError that says what the server said, or that there is none. */
export async function callApi(target: ApiTarget, request: ApiRequest): Promise<Response> {
  const headers: Record<string, string> = { accept: request.accept ?? 'application/json' };
  if (target.token !== undefined) headers['authorization'] = `Bearer ${target.token}`;
  const { body } = request;
  const isBinary = body instanceof Uint8Array;
  if (body !== undefined) headers['content-type'] = isBinary ? 'application/octet-stream' : 'application/json';
  const response = await reach(target, `/api/v1${request.path}`, {
    method: request.method,
    headers,
    ...(body === undefined ? {} : { body: isBinary ? new Uint8Array(body) : JSON.stringify(body) }),
  });
  if (response.ok || request.isAnyStatusTaken === true) {
    const isJson = /[/+]json\b/.test(response.headers.get('content-type') ?? '');
    if (isJson || request.accept !== undefined || response.status === 204) return response;
    throw new CommandError(`${response.status} without JSON: what answers at ${target.url} is not Formloom`);
  }
  const problem = problemSchema.safeParse(await response.json().catch(() => ({})));
  const { detail, title, code, errors } = problem.success ? problem.data : {};
  throw new CommandError(
    `${response.status} ${code ?? ''}: ${detail ?? title ?? response.statusText}`.replace(' :', ':'),
    EXIT.failed,
    (errors ?? []).map((issue) => `${issue.path}: ${issue.message}`),
  );
}

/** What is not JSON, such as `/metrics`. @throws CommandError */
export async function getText(target: ApiTarget, path: string): Promise<string> {
  const response = await reach(target, path, {});
  if (response.ok) return response.text();
  throw new CommandError(`${response.status} ${response.statusText}: ${path} at ${target.url}`, EXIT.failed);
}

/** @throws CommandError */
async function reach(target: ApiTarget, path: string, init: RequestInit): Promise<Response> {
  try {
    const { timeoutMs } = target;
    const signal = timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(timeoutMs) };
    return await fetch(new URL(path, target.url), { ...init, ...signal });
  } catch (error) {
    if (error instanceof Error && error.name === 'TimeoutError') {
      const seconds = (target.timeoutMs ?? 0) / 1_000;
      throw new SilentServerError(`the server at ${target.url} does not answer within ${seconds} s`, EXIT.unreachable);
    }
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new CommandError(
      `no server answers at ${target.url} (${cause}). Start one with "formloom serve", or name it with --url.`,
      EXIT.unreachable,
    );
  }
}
