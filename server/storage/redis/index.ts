export { openRedisStorage, type RedisStorage, type RedisStorageOptions } from './redis-storage.js';
