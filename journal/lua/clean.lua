-- Forgets the dirty mark of a task whose row was written, and lets it expire if it has ended.
-- KEYS journal, meta, tombstone, dirty
-- ARGV id, version written, version stored, how long to keep, how long the id stays taken (both in ms)
local marked = redis.call('ZREM', KEYS[4], ARGV[1]) -- first: see take.lua
local m = redis.call('HMGET', KEYS[2], 'v', 'f', 'h', 'p', 'r')
if not m[1] then return 0 end
local version, written, stored = tonumber(m[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
if stored > written then
  redis.call('HSET', KEYS[2], 'v', us(math.max(version, stored + 1)))
  redis.call('ZADD', KEYS[4], us(now), ARGV[1])
elseif version ~= written then
  if marked == 1 then redis.call('ZADD', KEYS[4], us(now), ARGV[1]) end
elseif m[2] and (m[5] or not m[4]) and redis.call('PTTL', KEYS[2]) < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
  redis.call('SET', KEYS[3], m[3], 'PX', ARGV[5])
end
return 0
