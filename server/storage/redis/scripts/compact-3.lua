#!lua flags=allow-oom
--[[
Replaces the log up to a position by a state that includes it.

Keys
  1 log       Stream         2 snapshot   string         3 meta   hash (append-3)

Arguments
  1 position  the last entry that the state includes
  2 state     the snapshot as it is stored
  3 id        of this compaction: sent again, it is answered as the first time
  4 again     '1': also when the stored snapshot ends at the position already; it is replaced

Result
  'done'  'lost the race'  'erased'

Invariants
  - Compare-and-set: an entry that is still in the log is after the stored snapshot, so a position that is found there
    can only be newer than it. Whoever comes second with the same or an older position finds nothing and changes nothing.
  - Snapshot, position and trimmed log change together.
]]
local log, snapshot, meta = KEYS[1], KEYS[2], KEYS[3]
local position, state, id, again = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local stored = redis.call('HMGET', meta, 'erased', 'snapId', 'snapAt')
if stored[1] then
  return 'erased'
end
if stored[2] == id then
  -- A write, so that a WAIT that follows on this connection covers the compaction.
  redis.call('HSET', meta, 'snapId', id)
  return 'done'
end

if again == '1' and stored[3] == position then
  redis.call('SET', snapshot, state)
  redis.call('HSET', meta, 'snapBytes', #state, 'snapId', id)
  return 'done'
end

local entry = redis.call('XRANGE', log, position, position)[1]
if not entry then
  return 'lost the race'
end
local fields = {}
for i = 1, #entry[2], 2 do
  fields[entry[2][i]] = entry[2][i + 1]
end

redis.call('SET', snapshot, state)
redis.call('HSET', meta, 'snapAt', position, 'snapN', fields.n, 'snapB', fields.b, 'snapBytes', #state, 'snapId', id)
local ms, sequence = string.match(position, '^(%d+)-(%d+)$')
redis.call('XTRIM', log, 'MINID', ms .. '-' .. string.format('%.0f', sequence + 1))
return 'done'
