-- Puts a dead letter in the place of a dirty mark. Of a task that has a newer version the mark stays: that may be taken.
-- KEYS dirty, dead, meta
-- ARGV id, version, reason
-- Returns 1 if this letter is new
local marked = redis.call('ZREM', KEYS[1], ARGV[1]) -- first: see take.lua
local m = redis.call('HMGET', KEYS[3], 'v', 'z')
if not m[1] then return 0 end
if m[1] ~= ARGV[2] then
  if marked == 1 then redis.call('ZADD', KEYS[1], us(now), ARGV[1]) end
  return 0
end
redis.call('ZADD', KEYS[2], 0, ARGV[1])
local head = ARGV[2] .. ' '
if m[2] and string.sub(m[2], 1, #head) == head then return 0 end
redis.call('HSET', KEYS[3], 'z', head .. us(now) .. ' ' .. ARGV[3])
return 1
