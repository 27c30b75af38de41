#!lua flags=allow-oom
--[[
Prolongs a lease, or gives it back, if it is still held under this grant.

Keys
  1 lease     string (acquire-lease-2)

Arguments
  1 grant     2 ttl in milliseconds; '0' gives the lease back

Result
  1 held      0 it had expired or was lost
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
if ARGV[2] == '0' then
  return redis.call('DEL', KEYS[1])
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
