#!lua
--[[
Writes a record, and forgets some records that have expired.

Keys
  1 record    hash: d = value, v = version, x = time of expiry in milliseconds (absent: never)
  2 index     ordered set of record keys (score 0)
  3 expiries  record keys by time of expiry

Arguments
  1 value     2 version (unique to this write)     3 member of the index
  4 expiry    in milliseconds, or ''
  5 condition 'any', 'absent', or 'version'        6 expected version

Result
  1 written   0 conflict

Invariants
  - The record and its places in both sets change together.
  - Sent again, a write that stands is answered as the first time.
]]
local record, index, expiries = KEYS[1], KEYS[2], KEYS[3]
local value, version, member, expiry = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local stored = redis.call('HGET', record, 'v')
if stored ~= version then
  if ARGV[5] == 'absent' and stored then
    return 0
  end
  if ARGV[5] == 'version' and stored ~= ARGV[6] then
    return 0
  end
end

redis.call('DEL', record)
redis.call('HSET', record, 'd', value, 'v', version)
redis.call('ZADD', index, 0, member)
if expiry == '' then
  redis.call('ZREM', expiries, member)
else
  redis.call('HSET', record, 'x', expiry)
  redis.call('PEXPIREAT', record, expiry)
  redis.call('ZADD', expiries, expiry, member)
end

-- Redis has removed what expired; a few members per write keep the index as small as the records.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', expiries, '-inf', string.format('(%.0f', now), 'LIMIT', 0, 10)) do
  redis.call('ZREM', index, gone)
  redis.call('ZREM', expiries, gone)
end
return 1
