/** Figures as they are shown, from what the roll-ups hold. */
import type { Bucket, LiveForm, UserActivity } from '../../server/analytics/index.js';

export const FIGURES = [
  'views',
  'starts',
  'submissions',
  'completed',
  'rejected',
  'abandoned',
  'edits',
  'comments',
] as const;
export const ACTIVITY = ['edits', 'bytes', 'comments', 'views', 'starts', 'submissions'] as const;

export function figuresOf(total?: Bucket): Record<(typeof FIGURES)[number], number> {
  const { views = 0, starts = 0, submissions = 0, completed = 0, rejected = 0, edits = 0, comments = 0 } = total ?? {};
  const abandoned = Math.max(0, (total?.abandoned ?? 0) - (total?.resumed ?? 0));
  return { views, starts, submissions, completed, rejected, abandoned, edits, comments };
}

export function activityOf(activity?: UserActivity): Record<(typeof ACTIVITY)[number], number> {
  const { edits = 0, editedBytes = 0, comments = 0, views = 0, starts = 0, submissions = 0 } = activity ?? {};
  return { edits, bytes: editedBytes, comments, views, starts, submissions };
}

export const shareOf = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

export function sumOf(all: readonly LiveForm[]): LiveForm {
  const sum = { editors: 0, respondents: 0, editsPerMinute: 0 };
  for (const { editors, respondents, editsPerMinute } of all) {
    sum.editors += editors;
    sum.respondents += respondents;
    sum.editsPerMinute += editsPerMinute;
  }
  return sum;
}
