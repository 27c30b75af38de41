/** Security events: where they come from over HTTP, and how they are read. */
export { addRequestWatch } from './request-watch.js';
export { securityRoutes } from './routes.js';
