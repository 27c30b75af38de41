#!lua
--[[
Puts a stream that was written anew in the place of the one that it was made from.

Keys
  1 log        Stream          2 rewritten  Stream, with the events of 1 up to `last`

Arguments
  1 last       id of the last event that was copied

Result
  'done'       'gone': there is nothing any more to take the place of, or it was done before

Invariants
  - What was appended since is copied as it is, what was trimmed since is trimmed, and an erased stream stays erased:
    nothing can come in between.
  - Ids stay, and with them the places of consumers and what is known of batches (append-events-2).
]]
local log, rewritten, last = KEYS[1], KEYS[2], ARGV[1]

local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
if not first or redis.call('EXISTS', rewritten) == 0 then
  redis.call('UNLINK', rewritten)
  return 'gone'
end
for _, entry in ipairs(redis.call('XRANGE', log, '(' .. last, '+')) do
  redis.call('XADD', rewritten, entry[1], unpack(entry[2]))
end
redis.call('XTRIM', rewritten, 'MINID', first[1])
redis.call('PERSIST', rewritten)
redis.call('RENAME', rewritten, log)
return 'done'
