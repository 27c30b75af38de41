import type { FormJson, Json } from '../../crdt/index.js';
import { unanswerable, type AnswerIssue } from '../../crdt/submission/index.js';
import { Problem } from '../http/problem.js';

export type Answers = Readonly<Record<string, Json>>;

export function invalidAnswers(issues: readonly Pick<AnswerIssue, 'path' | 'message'>[]): Problem {
  const errors = issues.map(({ path, message }) => ({ path, message }));
  return new Problem(
    'validation_failed',
    `${errors.length} answer${errors.length === 1 ? ' is' : 's are'} not valid.`,
    {
      errors,
    },
  );
}

/** @throws Problem `validation_failed` */
export function requireAnswerable(form: FormJson, answers: Answers): void {
  const problems = unanswerable(form, Object.keys(answers));
  if (problems.size > 0)
    throw invalidAnswers([...problems].map(([id, message]) => ({ path: `answers.${id}`, message })));
}
