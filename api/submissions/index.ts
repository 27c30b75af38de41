/** Live submissions: answer sheets, pinned to published versions, and what becomes of them. */
export { SheetAccess } from './access.js';
export { Announcements } from './announcements.js';
export { SubmissionFiles } from './files/submission-files.js';
export { Abandonment } from './life-cycle/abandonment.js';
export { SheetLifeCycle } from './life-cycle/life-cycle.js';
export { LiveProgress } from './live-progress.js';
export { SubmissionListing } from './lists/listing.js';
export { SubmissionMigrations } from './migration/migration.js';
export { submissionRoutes } from './routes.js';
export { SubmissionService } from './service.js';
export { Sheets } from './sheets.js';
export { SubmissionStore } from './records/submission-store.js';
