#!lua
--[[
Appends a batch of updates to a document's log and wakes its subscribers.

Keys
  1 log       Stream; per entry: e = entry (bytes), n = updates so far, b = bytes so far, both over the life
  2 meta      hash: epoch, last, n, b, created, changed, recent; snapAt, snapN, snapB, snapBytes, snapId (compact-3);
              erased, updates, bytes (erase-3)
  3 channel   sharded Pub/Sub channel of wake-ups

Arguments
  1 writer    id of the writing process        2 batch     number of this batch, unique per writer
  3 epoch     which the writer knows, or ''    4 position  which the writer knows to be acknowledged, or ''
  5 newEpoch  for a new document, when 3 is ''  6 ifAbsent  '1': only when it was never written
  7 carry     entries of more bytes together than this are not published, only announced
  8… entries

Result
  {'ok', epoch, '1' if created else '0', id of each entry …}
  {'erased'} {'exists'} {'lost'}   nothing was written

Invariants
  - A batch is appended once, however often it is sent.
  - 'lost' when the log's life isn't the one that the writer knows, or ends before a position it knows: Redis lost
    acknowledged updates, and only the writer has them.
  - The message names the entry before the batch: who stands elsewhere has missed something.
]]
--@include recent-writers

local log, meta, channel = KEYS[1], KEYS[2], KEYS[3]
local writer, batch, known_epoch, known_position = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local FIRST = 8

local function is_before(a, b)
  local a_ms, a_sequence = string.match(a, '^(%d+)-(%d+)$')
  local b_ms, b_sequence = string.match(b, '^(%d+)-(%d+)$')
  if a_ms ~= b_ms then
    return tonumber(a_ms) < tonumber(b_ms)
  end
  return tonumber(a_sequence) < tonumber(b_sequence)
end

local function text(value)
  return struct.pack('>I4c0', #value, value)
end

local stored = redis.call('HMGET', meta, 'epoch', 'last', 'n', 'b', 'recent', 'erased')
local epoch, last, recent = stored[1], stored[2], stored[5]
local n, b = tonumber(stored[3] or 0), tonumber(stored[4] or 0)

if stored[6] then
  return { 'erased' }
end

local appended, kept = find_batch(recent, writer, batch)
if appended then
  -- A write, so that a WAIT that follows on this connection covers the entries, which another one may have written.
  redis.call('HINCRBY', meta, 'retries', 1)
  return { 'ok', epoch, '0', unpack(ids_up_to(log, appended, #ARGV - FIRST + 1)) }
end

if known_epoch ~= '' and known_epoch ~= epoch then
  return { 'lost' }
end
if epoch and known_position ~= '' and is_before(last, known_position) then
  return { 'lost' }
end
if epoch and ARGV[6] == '1' then
  return { 'exists' }
end

local result = { 'ok', epoch or ARGV[5], epoch and '0' or '1' }
local carried, carried_bytes = {}, 0
for i = FIRST, #ARGV do
  local entry = ARGV[i]
  n, b = n + 1, b + #entry
  local id = redis.call('XADD', log, '*', 'e', entry, 'n', n, 'b', string.format('%.0f', b))
  result[#result + 1] = id
  carried_bytes = carried_bytes + #entry
  if carried_bytes <= tonumber(ARGV[7]) then
    carried[#carried + 1] = text(id) .. text(entry)
  end
end

local id = result[#result]
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
if not epoch then
  redis.call('HSET', meta, 'epoch', ARGV[5], 'created', now)
end
redis.call('HSET', meta, 'last', id, 'n', n, 'b', string.format('%.0f', b), 'changed', now,
  'recent', remember_batch(kept, writer, batch, id))

local head = text(result[2]) .. text(last or '') .. text(id)
if carried_bytes > tonumber(ARGV[7]) then
  carried = {}
end
redis.call('SPUBLISH', channel, head .. table.concat(carried))
return result
