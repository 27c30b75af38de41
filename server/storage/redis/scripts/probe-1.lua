#!lua
--[[
Does what the other scripts do, so that a user without the rights is told at the start, not by the first edit.

Keys
  1 probe     of any type; gone afterwards. Also the name of a channel.

Result
  'ok', or the error of what is not allowed
]]
local probe = KEYS[1]

redis.call('TIME')
redis.call('DEL', probe)
redis.call('XADD', probe, '*', 'a', 'b')
redis.call('XREVRANGE', probe, '+', '-')
redis.call('XTRIM', probe, 'MINID', 0)
redis.call('UNLINK', probe)
redis.call('HSET', probe, 'a', 'b')
redis.call('HINCRBY', probe, 'n', 1)
redis.call('HMGET', probe, 'a')
redis.call('DEL', probe)
redis.call('ZADD', probe, 0, 'a')
redis.call('ZREM', probe, 'a')
redis.call('SET', probe, 'a')
redis.call('PEXPIRE', probe, 1000)
redis.call('DEL', probe)
redis.call('SPUBLISH', probe, '')
return 'ok'
