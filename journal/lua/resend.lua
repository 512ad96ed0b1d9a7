-- Makes tasks dirty again in place of their dead letters.
-- KEYS dirty, dead, then meta of each
-- ARGV id of each
-- Returns how many had a letter
local count = 0
for i, id in ipairs(ARGV) do
  redis.call('ZREM', KEYS[2], id) -- first: see take.lua
  if redis.call('HDEL', KEYS[i + 2], 'z') == 1 then
    redis.call('ZADD', KEYS[1], 'NX', us(now), id)
    count = count + 1
  end
end
return count
