-- Notes a pause. One that is there already goes on since when it is there.
-- KEYS pauses
-- ARGV what is paused, who and why as JSON
-- Returns {since when}
local since = string.match(redis.call('HGET', KEYS[1], ARGV[1]) or '', '^%d+') or us(now)
redis.call('HSET', KEYS[1], ARGV[1], since .. ' ' .. ARGV[2])
return {tonumber(since)}
