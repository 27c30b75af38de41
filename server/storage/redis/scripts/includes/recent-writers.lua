-- A field of a metadata hash that remembers the last batch of each recent writer, so that a batch that is sent again
-- after a lost reply or a failover isn't appended twice. A writer has one batch in flight per key, so its last one is
-- enough. Text: "<writer>,<batch>,<id of its last entry>;" per writer, the latest last, at most MAX_WRITERS.
local MAX_WRITERS = 16

-- Answers the id of the batch's last entry when it was appended already, else nil and the writers to keep.
local function find_batch(recent, writer, batch)
  local kept = {}
  for w, b, id in string.gmatch(recent or '', '([^,;]+),([^,;]+),([^,;]+);') do
    if w ~= writer then
      kept[#kept + 1] = w .. ',' .. b .. ',' .. id .. ';'
    elseif b == batch then
      return id
    end
  end
  return nil, kept
end

local function remember_batch(kept, writer, batch, id)
  kept[#kept + 1] = writer .. ',' .. batch .. ',' .. id .. ';'
  return table.concat(kept, '', math.max(1, #kept - MAX_WRITERS + 1))
end

-- The ids of the `count` entries that end with `last`; fewer when a compaction has removed some.
local function ids_up_to(log, last, count)
  local ids = {}
  local entries = redis.call('XREVRANGE', log, last, '-', 'COUNT', count)
  for i = #entries, 1, -1 do
    ids[#ids + 1] = entries[i][1]
  end
  if ids[#ids] ~= last then
    ids[#ids + 1] = last
  end
  return ids
end
