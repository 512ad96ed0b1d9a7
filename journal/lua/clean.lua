-- Forgets the dirty marks of tasks whose rows were written, and lets those expire that have ended.
-- KEYS dirty, dead, then journal, meta and tombstone of each
-- ARGV how long to keep, how long the ids stay taken (both in ms), then id, version written and version stored of each
-- Returns the ids of those that have no journal
local gone = {}
local function clean(journal, meta, tombstone, id, written, stored)
  local marked = redis.call('ZREM', KEYS[1], id) -- first: see take.lua
  local m = redis.call('HMGET', meta, 'v', 'f', 'h', 'p', 'r', 'z')
  if not m[1] then
    gone[#gone + 1] = id
    return
  end
  if m[6] and written >= tonumber(string.match(m[6], '^%d+')) then
    redis.call('HDEL', meta, 'z')
    redis.call('ZREM', KEYS[2], id)
  end
  local version = tonumber(m[1])
  if stored > written then
    redis.call('HSET', meta, 'v', us(math.max(version, stored + 1)))
    redis.call('ZADD', KEYS[1], us(now), id)
  elseif version ~= written then
    if marked == 1 then redis.call('ZADD', KEYS[1], us(now), id) end
  elseif m[2] and (m[5] or not m[4]) and redis.call('PTTL', meta) < 0 then
    redis.call('PEXPIRE', journal, ARGV[1])
    redis.call('PEXPIRE', meta, ARGV[1])
    redis.call('SET', tombstone, m[3], 'PX', ARGV[2])
  end
end
for i = 0, (#ARGV - 2) / 3 - 1 do
  clean(KEYS[3 * i + 3], KEYS[3 * i + 4], KEYS[3 * i + 5],
    ARGV[3 * i + 3], tonumber(ARGV[3 * i + 4]), tonumber(ARGV[3 * i + 5]))
end
return gone
