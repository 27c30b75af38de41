#!lua flags=allow-oom
--[[
Leaves a tombstone of a document and nothing else.

Keys
  1 log       Stream         2 snapshot   string         3 meta   hash (append-3)

Result
  {time of erasure in milliseconds, updates, bytes}: of the first erasure, however often it is asked for

Invariants
  - After it, meta holds only `erased`, `updates` and `bytes`; append-3 and compact-3 refuse.
]]
local log, snapshot, meta = KEYS[1], KEYS[2], KEYS[3]

local stored = redis.call('HMGET', meta, 'erased', 'updates', 'bytes', 'n', 'b', 'snapB', 'snapBytes')
if stored[1] then
  -- A write, so that a WAIT that follows on this connection covers the erasure.
  redis.call('HSET', meta, 'erased', stored[1])
  return { stored[1], stored[2], stored[3] }
end

local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local updates = stored[4] or '0'
local bytes = tonumber(stored[5] or 0) - tonumber(stored[6] or 0) + tonumber(stored[7] or 0)
bytes = string.format('%.0f', bytes)
redis.call('UNLINK', log, snapshot, meta)
redis.call('HSET', meta, 'erased', now, 'updates', updates, 'bytes', bytes)
return { now, updates, bytes }
