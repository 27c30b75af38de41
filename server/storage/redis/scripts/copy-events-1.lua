#!lua
--[[
Copies a batch of events into a stream that is written anew.

Keys
  1 rewritten  Stream; field d = JSON

Arguments
  1 seconds    after which a rewrite that was given up is gone
  2… events    id, as in the stream that it comes from, and JSON by turns; in order

Result
  'done'

Invariants
  - Batches come in order, so an id that is not newer than the last is there already: the batch was sent again.
]]
local rewritten, seconds = KEYS[1], ARGV[1]
local FIRST = 2

local function parts(text)
  local ms, sequence = string.match(text, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(sequence)
end

local last_ms, last_sequence = -1, -1
local last = redis.call('XREVRANGE', rewritten, '+', '-', 'COUNT', 1)[1]
if last then
  last_ms, last_sequence = parts(last[1])
end
for i = FIRST, #ARGV, 2 do
  local ms, sequence = parts(ARGV[i])
  if ms > last_ms or (ms == last_ms and sequence > last_sequence) then
    redis.call('XADD', rewritten, ARGV[i], 'd', ARGV[i + 1])
  end
end
redis.call('EXPIRE', rewritten, seconds)
return 'done'
