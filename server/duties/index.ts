/** What one node at a time does for all of them. */
export { rest } from './rest.js';
export { Terms } from './terms.js';
