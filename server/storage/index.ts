export * from './bus.js';
export * from './document-log.js';
export * from './errors.js';
export * from './event-log.js';
export * from './leases.js';
export * from './record-store.js';
export * from './storage.js';
export { openEmbeddedStorage, type EmbeddedStorageOptions } from './embedded/embedded-storage.js';
export * from './snapshots.js';
