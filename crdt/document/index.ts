/** Any Yjs document, whatever it holds: its content as JSON, what differs, and the way back to an earlier content. */
export { contentOf, type DocumentContent } from './content.js';
export { diffContent, type DocumentChange, type DocumentDiff } from './diff.js';
export { restoreContent } from './restore.js';
