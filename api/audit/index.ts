/** The audit log: who changed what through the API. */
export { AuditLog } from './audit-log.js';
export { addAudit } from './request-audit.js';
export { auditRoutes } from './routes.js';
