/** Live submissions: answer sheets, pinned to published versions, and what becomes of them. */
export { createSubmissions } from './create-submissions.js';
export { BulkMigrations } from './migration/bulk-migration.js';
export { addOwnSheets, hasOwnSheets, OwnSheets } from './access/own-sheets.js';
export { SubmissionStore } from './records/submission-store.js';
export { submissionRoutes } from './routes.js';
export type { SubmissionService } from './service.js';
export { Sheets } from './sheets.js';
