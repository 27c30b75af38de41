#!lua
--[[
Takes a lease that nobody holds.

Keys
  1 lease     string: id of the grant, expires with the lease
  2 fence     string: the last fencing token

Arguments
  1 grant     unique to this request: sent again, it is answered as the first time
  2 ttl       in milliseconds

Result
  the fencing token, or 0 while somebody else holds the lease

Invariants
  - Tokens grow with every grant. They are at least the time in milliseconds, so that they grow even when Redis has
    lost the last one.
]]
local lease, fence = KEYS[1], KEYS[2]

local holder = redis.call('GET', lease)
if holder == ARGV[1] then
  -- A write, so that a WAIT that follows on this connection covers the grant.
  redis.call('PEXPIRE', lease, ARGV[2])
  return redis.call('GET', fence)
end
if holder then
  return '0'
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local token = string.format('%.0f', math.max(tonumber(redis.call('GET', fence) or 0) + 1, now))
redis.call('SET', fence, token)
redis.call('SET', lease, ARGV[1], 'PX', ARGV[2])
return token
