-- Takes the first entries of an index, so that nobody else gets them for a while.
-- KEYS index
-- ARGV how old, for how long, at most
-- Returns {next entry's score (-1: none), now, ids}
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local old = now - tonumber(ARGV[1])
if not first[1] or (tonumber(first[2]) or math.huge) > old then -- as good as always, where nothing is to be done
  return {tonumber(first[2] or -1), now, {}}
end
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', us(old), 'LIMIT', 0, ARGV[3])
local score, marks = us(now + tonumber(ARGV[2])), {}
for i, id in ipairs(ids) do
  marks[2 * i - 1], marks[2 * i] = score, id
end
-- Removed first: a script that has written already may go on when memory is full, and only a flusher that goes on
-- can make room.
if ids[1] then redis.call('ZREM', KEYS[1], ids[1]) end
for i = 1, #marks, 1000 do -- Lua's stack is bounded
  redis.call('ZADD', KEYS[1], unpack(marks, i, math.min(i + 999, #marks)))
end
first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return {tonumber(first[2] or -1), now, ids}
