import { CURSORS } from './cursors.js';
import { EDIT_SCENARIOS } from './edits.js';
import { IDLE } from './idle.js';
import { JOINS } from './joins.js';
import type { Scenario } from './scenario.js';

/** In the order in which they run. */
export const SCENARIOS: readonly Scenario[] = [...EDIT_SCENARIOS, CURSORS, JOINS, IDLE];
