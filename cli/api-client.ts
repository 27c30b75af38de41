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
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `/api/v1`. */
  readonly path: string;
  readonly body?: unknown;
  readonly accept?: string;
}

/** @throws CommandError that says what the server said, or that there is none. */
export async function callApi(target: ApiTarget, request: ApiRequest): Promise<Response> {
  const headers: Record<string, string> = { accept: request.accept ?? 'application/json' };
  if (target.token !== undefined) headers['authorization'] = `Bearer ${target.token}`;
  if (request.body !== undefined) headers['content-type'] = 'application/json';
  let response: Response;
  try {
    response = await fetch(new URL(`/api/v1${request.path}`, target.url), {
      method: request.method,
      headers,
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new CommandError(
      `no server answers at ${target.url} (${cause}). Start one with "formloom serve", or name it with --url.`,
      EXIT.unreachable,
    );
  }
  if (response.ok) return response;
  const problem = problemSchema.safeParse(await response.json().catch(() => ({})));
  const { detail, title, code, errors } = problem.success ? problem.data : {};
  throw new CommandError(
    `${response.status} ${code ?? ''}: ${detail ?? title ?? response.statusText}`.replace(' :', ':'),
    EXIT.failed,
    (errors ?? []).map((issue) => `${issue.path}: ${issue.message}`),
  );
}
