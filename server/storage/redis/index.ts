export { diagnoseRedis, type RedisFinding } from './diagnosis.js';
export { openRedisStorage, type RedisStorage, type RedisStorageOptions } from './redis-storage.js';
