/** What becomes of writes to a form that did not see each other, and locks that keep them apart. */
export { conflictRoutes } from './routes.js';
export { ConflictService } from './service.js';
export { decide, decidedBy } from './decisions.js';
export { hasLocks, requireUnlocked } from './locked-fields.js';
export { ConflictWatch } from './watch.js';
