/** Bodies that a schema alone cannot route to the right message, and what zod found, as problem issues. */
import { z } from 'zod';
import { Problem, type ProblemIssue } from './problem.js';

const MAX_ISSUES = 100;
/** A form nests its groups; a JSONLogic rule its operators. Deeper than this is an attack on the stack. */
const MAX_DEPTH = 200;

export function issuesOf(error: z.core.$ZodError): ProblemIssue[] {
  return error.issues
    .slice(0, MAX_ISSUES)
    .map((issue) => ({ path: issue.path.map(String).join('.'), message: issue.message }));
}

/** @throws Problem `validation_failed` */
export function parse<T>(schema: z.ZodType<T>, value: unknown, at = ''): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = issuesOf(parsed.error).map(({ path, message }) => ({
    path: [at, path].filter((part) => part !== '').join('.'),
    message,
  }));
  throw new Problem('validation_failed', errors[0]?.message ?? 'A value is not valid.', { errors });
}

/**
 * Before any schema sees the body: recursive schemas would exhaust the stack.
 * @throws Problem `validation_failed`
 */
export function refuseDeepNesting(body: unknown): void {
  let level: unknown[] = [body];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) throw new Problem('validation_failed', `The body is nested more than ${MAX_DEPTH} deep.`);
    const next: unknown[] = [];
    for (const value of level) {
      if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) continue;
      for (const member of Object.values(value)) if (typeof member === 'object' && member !== null) next.push(member);
    }
    level = next;
  }
}
