/** What one node at a time does for all of them. */
export { BegunWork } from './begun-work.js';
export { rest } from './rest.js';
export { Terms } from './terms.js';
export { UnfinishedWork } from './unfinished-work.js';
