/** Moments of a form that can be looked at. */
import type { FormJson } from '../../../crdt/form/form-json.js';
import type { ShownChange } from '../../parts/change-list.js';

export interface PastPoint {
  /** For people. */
  readonly title: string;
  readonly at: string | undefined;
  readonly form: FormJson;
  /** What was done at that moment. */
  readonly changes: readonly ShownChange[];
  /** When the form can be restored to it. */
  readonly snapshotId?: string;
}
