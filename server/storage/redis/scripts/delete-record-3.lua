#!lua flags=allow-oom
--[[
Deletes a record.

Keys
  1 record    hash (put-record-3)     2 index     3 expiries

Arguments
  1 member of the index               2 expected version, or ''

Result
  1 deleted   0 there was none   -1 conflict (also when a version is expected of a record that isn't there)
]]
local stored = redis.call('HGET', KEYS[1], 'v')
if ARGV[2] ~= '' and stored ~= ARGV[2] then
  return -1
end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
return redis.call('UNLINK', KEYS[1])
