import { z } from 'zod';
import { totalsSchema, unreadableSchema } from '../../server/backup/index.js';
import { pageOf, pageQuery, timeOf, timeSchema } from '../http/pages.js';
import type { Backup } from './service.js';

export const newBackupSchema = z.strictObject({
  keep: z.number().int().min(1).max(1_000).optional().describe('Delete older backups of this node when it is made.'),
});
export const backupParams = z.object({ id: z.string().max(100) });
export const backupListQuery = z.object(pageQuery);
export const backupSchema = z.object({
  id: z.string(),
  createdAt: timeSchema,
  bytes: z.number().describe('Of the archive.'),
  totals: totalsSchema,
  unreadable: z.array(unreadableSchema).describe('Damaged documents, records and events, which are not in it.'),
});
export const backupListSchema = pageOf(backupSchema);

export function shownBackup(backup: Backup): z.infer<typeof backupSchema> {
  return { ...backup, createdAt: timeOf(backup.createdAt) };
}
