-- Leaves wake marks for tasks that waited for the end of a pause, unless there are many marks already.
-- KEYS those that wait, names of pauses that some wait for, wake, then the meta of each
-- ARGV the pause's name, how many marks are many, then the ids
-- Returns {how many were marked, are there more (0 | 1)}
local room = tonumber(ARGV[2]) - redis.call('ZCARD', KEYS[3])
local marked = 0
for i = 3, #ARGV do
  if marked >= room then break end
  redis.call('SREM', KEYS[1], ARGV[i])
  local m = redis.call('HMGET', KEYS[i + 1], 'v', 'f')
  if m[1] and not m[2] then -- one that has ended needs no waking
    redis.call('ZADD', KEYS[3], 'NX', us(now), ARGV[i])
    marked = marked + 1
  end
end
if redis.call('EXISTS', KEYS[1]) == 1 then return {marked, 1} end
redis.call('SREM', KEYS[2], ARGV[1])
return {marked, 0}
