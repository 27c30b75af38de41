/** What can be asked for over time, and how it is read from a roll-up. */
import { countOf, type Bucket } from '../../server/analytics/index.js';

export const METRICS = [
  'views',
  'visitors',
  'starts',
  'submissions',
  'completed',
  'rejected',
  'abandoned',
  'answers',
  'corrections',
  'errors',
  'edits',
  'authors',
  'comments',
  'conflicts',
  'editors',
  'respondents',
] as const;
export type Metric = (typeof METRICS)[number];

export function valueOf(bucket: Bucket, metric: Metric): number {
  if (metric === 'visitors' || metric === 'authors') return countOf(bucket[metric]);
  return metric === 'conflicts' ? bucket.conflictsOpened : bucket[metric];
}
