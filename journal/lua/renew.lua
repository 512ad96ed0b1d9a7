-- Extends a lease.
-- KEYS journal, meta, open
-- ARGV id, nonce, lease, epoch
-- Returns {0} overtaken | {1, length, now}
local m = redis.call('HMGET', KEYS[2], 'e', 'n', 'l')
if m[1] ~= ARGV[4] or m[2] ~= ARGV[2] or m[3] == '0' then return {0} end
local lease = us(now + tonumber(ARGV[3]))
redis.call('HSET', KEYS[2], 'l', lease)
redis.call('ZADD', KEYS[3], lease, ARGV[1])
return {1, redis.call('LLEN', KEYS[1]), now}
