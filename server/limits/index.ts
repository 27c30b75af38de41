export { Admissions } from './admission/admissions.js';
export type { ConnectionAdmission, ConnectionRequest } from './admission/admissions.js';
export { AdmissionPools, PoolError } from './admission/admission-pools.js';
export type {
  Admission,
  AdmissionPoolsOptions,
  AdmissionRequest,
  PoolInfo,
  PoolRule,
  PoolSettings,
} from './admission/admission-pools.js';
export { BreakerOpenError, Breakers } from './breakers/breaker.js';
export type { BreakerInfo, BreakerSettings } from './breakers/breaker.js';
export { addressKey, ClientAddresses } from './client-address.js';
export type { AddressedRequest } from './client-address.js';
export type { MonotonicClock } from './clock.js';
export { DeadLetters } from './outbound/dead-letters.js';
export type {
  DeadLetter,
  DeadLetterFilter,
  DeadLettersOptions,
  NewDeadLetter,
  ReplayReport,
} from './outbound/dead-letters.js';
export { GuardedRecords } from './breakers/guarded-records.js';
export { HandshakeGate } from './admission/handshake-gate.js';
export type { HandshakeGateOptions, Turn } from './admission/handshake-gate.js';
export { OUTBOUND_CLASSES, OutboundQueues } from './outbound/outbound-queues.js';
export type {
  OutboundClass,
  OutboundMessage,
  OutboundQueuesOptions,
  QueueInfo,
  QueueSettings,
} from './outbound/outbound-queues.js';
export { DocumentWork } from './breakers/document-work.js';
export { ProcessorShare } from './breakers/processor-share.js';
export { PoisonDocuments } from './breakers/poison-documents.js';
export { RateLimits } from './rate-limits.js';
export type { RateKind, RateLimitsOptions, RateRule, RateSubjects, RateVerdict } from './rate-limits.js';
export { TrafficLimits } from './traffic/traffic-limits.js';
export type { Traffic, TrafficRule, TrafficSubjects } from './traffic/traffic-limits.js';
export type { TokenBucketOptions } from './token-bucket.js';
