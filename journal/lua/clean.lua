-- Forgets the dirty marks of tasks whose rows were written, and lets those expire that have ended.
-- KEYS dirty, dead, then journal, meta and tombstone of each
-- ARGV how long to keep, how long the ids stay taken (both in ms), then id, version written and version stored of each
-- Returns the ids of those that have no journal
local gone, clear, ended = {}, {}, {}

-- What has a newer row, or had a dead letter.
local function odd(meta, id, version, written, stored, letter)
  local marked = redis.call('ZREM', KEYS[1], id) -- first: see take.lua
  if letter and written >= tonumber(string.match(letter, '^%d+')) then
    redis.call('HDEL', meta, 'z')
    redis.call('ZREM', KEYS[2], id)
  end
  if stored > written then
    redis.call('HSET', meta, 'v', us(math.max(version, stored + 1)))
    redis.call('ZADD', KEYS[1], us(now), id)
  elseif version ~= written and marked == 1 then
    redis.call('ZADD', KEYS[1], us(now), id)
  end
end

for i = 0, (#ARGV - 2) / 3 - 1 do
  local meta, id, written, stored = KEYS[3 * i + 4], ARGV[3 * i + 3], tonumber(ARGV[3 * i + 4]), tonumber(ARGV[3 * i + 5])
  local m = redis.call('HMGET', meta, 'v', 'f', 'h', 'p', 'r', 'z')
  local version = tonumber(m[1])
  if not version then
    gone[#gone + 1] = id
  elseif m[6] or stored > written or version ~= written then
    odd(meta, id, version, written, stored, m[6])
  end
  if not version or version == written and stored <= written then
    clear[#clear + 1] = id
    if m[2] and (m[5] or not m[4]) then ended[#ended + 1] = {i, m[3]} end
  end
end

if #clear > 0 then redis.call('ZREM', KEYS[1], unpack(clear)) end
for _, e in ipairs(ended) do
  local i = 3 * e[1]
  if redis.call('SET', KEYS[i + 5], e[2] or '', 'PX', ARGV[2], 'NX') then -- else it expires already: what goes on again has none
    redis.call('PEXPIRE', KEYS[i + 3], ARGV[1])
    redis.call('PEXPIRE', KEYS[i + 4], ARGV[1])
  end
end
return gone
