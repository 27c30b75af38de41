export { Admissions } from './admissions.js';
export type { ConnectionAdmission, ConnectionRequest } from './admissions.js';
export { AdmissionPools, PoolError } from './admission-pools.js';
export type {
  Admission,
  AdmissionPoolsOptions,
  AdmissionRequest,
  PoolInfo,
  PoolRule,
  PoolSettings,
} from './admission-pools.js';
export { Breaker, BreakerOpenError, Breakers } from './breaker.js';
export type { BreakerInfo, BreakerSettings } from './breaker.js';
export { addressKey, ClientAddresses } from './client-address.js';
export type { AddressedRequest } from './client-address.js';
export type { MonotonicClock } from './clock.js';
export { DeadLetters } from './dead-letters.js';
export type { DeadLetter, DeadLetterFilter, DeadLettersOptions, NewDeadLetter, ReplayReport } from './dead-letters.js';
export { GuardedRecords } from './guarded-records.js';
export { HandshakeGate } from './handshake-gate.js';
export type { HandshakeGateOptions, Turn } from './handshake-gate.js';
export { OUTBOUND_CLASSES, OutboundQueues, QUEUE_DEFAULTS } from './outbound-queues.js';
export type {
  OutboundClass,
  OutboundMessage,
  OutboundQueuesOptions,
  QueueInfo,
  QueueSettings,
} from './outbound-queues.js';
export { DocumentWork } from './document-work.js';
export { ProcessorShare } from './processor-share.js';
export { PoisonDocuments } from './poison-documents.js';
export { RATE_KINDS, RateLimits } from './rate-limits.js';
export type { RateKind, RateLimitsOptions, RateRule, RateSubjects, RateVerdict } from './rate-limits.js';
export { TRAFFIC_DEFAULTS } from './traffic-defaults.js';
export { TrafficLimits } from './traffic-limits.js';
export type { Traffic, TrafficRule, TrafficSubjects } from './traffic-limits.js';
export { TokenBucket } from './token-bucket.js';
export type { TokenBucketOptions } from './token-bucket.js';
