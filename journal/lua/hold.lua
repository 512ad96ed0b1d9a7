-- Holds a task back that nobody has claimed: it is fed to its queue when it is the turn of its group. Each group's next
-- task is tagged one higher than its last, and than what was fed last; the lowest tags come first.
-- KEYS held, tags, meta, open
-- ARGV id, group, the moment of those that are held back
-- Returns {0} it has been claimed | {1} held
if redis.call('HGET', KEYS[3], 'e') then return {0} end
local fed = tonumber(redis.call('HGET', KEYS[2], '') or 0)
local tag = math.max(fed, tonumber(redis.call('HGET', KEYS[2], ARGV[2]) or 0)) + 1
redis.call('HSET', KEYS[2], ARGV[2], tag)
redis.call('ZADD', KEYS[1], 'NX', tag, ARGV[1])
redis.call('ZADD', KEYS[4], 'XX', ARGV[3], ARGV[1])
return {1}
