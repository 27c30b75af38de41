/** Threads of comments: the service and its endpoints. */
export { ActivityBoard, type ShownActivity } from './activity-board.js';
export { Audience } from './audience.js';
export { commentsDocument } from './rights.js';
export { commentRoutes } from './routes.js';
export { CommentService } from './service.js';
