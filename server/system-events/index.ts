/** What operators look up: activity, security events, and how the node is doing. */
export { SEVERITIES, SOURCES, type Activity, type NewActivity, type Severity, type Source } from './activity.js';
export { ActivityLog, type ActivityFilter } from './activity-log.js';
export { FeedCollector } from './feed-collector.js';
export { ScanDetector } from './scan-detector.js';
export type { SecurityFacts } from './security-facts.js';
export { SecurityWatch, type SecurityType } from './security-watch.js';
export { SystemSampler, type SystemSample, type SystemSources } from './system-sampler.js';
