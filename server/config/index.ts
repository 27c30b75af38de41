export { ConfigError, describeConfig, loadConfig, loadJwtSecret } from './config.js';
export type { Config, ConfigSources, VariableDescription } from './config.js';
export { isLoopback, weakSecrets } from './cross-checks.js';
export { formatSize, parseSize } from './size.js';
export type { EncryptionKey } from './values.js';
