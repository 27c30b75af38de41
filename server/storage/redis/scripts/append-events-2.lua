#!lua
--[[
Appends a batch of events to a stream.

Keys
  1 log       Stream; field d = JSON
  2 meta      hash: recent

Arguments
  1 writer    id of the writing process        2 batch   number of this batch, unique per writer
  3… events   JSON

Result
  ids of the events, in order

Invariants
  - A batch is appended once, however often it is sent.
]]
--@include recent-writers

local log, meta = KEYS[1], KEYS[2]
local writer, batch = ARGV[1], ARGV[2]
local FIRST = 3

local appended, kept = find_batch(redis.call('HGET', meta, 'recent'), writer, batch)
if appended then
  -- A write, so that a WAIT that follows on this connection covers the events.
  redis.call('HINCRBY', meta, 'retries', 1)
  return ids_up_to(log, appended, #ARGV - FIRST + 1)
end

local ids = {}
for i = FIRST, #ARGV do
  ids[#ids + 1] = redis.call('XADD', log, '*', 'd', ARGV[i])
end
redis.call('HSET', meta, 'recent', remember_batch(kept, writer, batch, ids[#ids]))
return ids
