/** Backups of a whole installation: one archive, from any store and into any other. */
export {
  ArchiveDamagedError,
  shownDamage,
  totalsSchema,
  unreadableSchema,
  type ArchiveDamage,
  type Totals,
  type Unreadable,
} from './archive-format.js';
export { writeArchive, type ArchiveFile } from './archive-file.js';
export { type BackupResult } from './back-up.js';
export { type Installation } from './installation.js';
export { requireFinishedRestore } from './unfinished-restore.js';
export { restoreArchive, StoreNotEmptyError } from './restore.js';
export { compareWithArchive } from './compare.js';
export { verifyArchive, type Verified } from './verify.js';
