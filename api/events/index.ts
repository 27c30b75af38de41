/** Activity as operators query it and host applications tell it. */
export { eventRoutes } from './routes.js';
export { eventListSchema, eventQuery } from './schemas.js';
export { shownEvent, timeFrom } from './shown.js';
