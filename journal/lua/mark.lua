-- Leaves a wake mark for a task that has not ended.
-- KEYS meta, wake
-- ARGV id
-- Returns {} ended or not there | {type, queue, epoch}
local m = redis.call('HMGET', KEYS[1], 't', 'q', 'e', 'v', 'f')
if not m[4] or m[5] then return {} end
redis.call('ZADD', KEYS[2], 'NX', us(now), ARGV[1])
return {m[1], m[2], m[3] or '0'}
