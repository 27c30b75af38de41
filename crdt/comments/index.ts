/** Threads of comments as a CRDT. Runs in browsers and on servers alike. */
export { anchorAt, fieldOfAnchor, resolveAnchor, type Anchoring } from './anchor.js';
export * from './edit.js';
export { mentionsIn } from './mentions.js';
export { byAge, projectHistory, projectThread, projectThreads } from './project.js';
export * from './thread-json.js';
export * from './thread-schema.js';
