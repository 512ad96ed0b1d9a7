-- Gives a task the moment at which it may begin. Moments are as far apart as the limit says; a task keeps its own.
-- KEYS the next moment that is free, moments of those that have not begun
-- ARGV id, how far apart, longest time that a moment is kept (ms)
-- Returns {the moment, now}
local at = redis.call('ZSCORE', KEYS[2], ARGV[1])
if at then return {tonumber(at), now} end
at = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
local following = at + tonumber(ARGV[2])
redis.call('SET', KEYS[1], us(following), 'PX', math.ceil((following - now) / 1000) + 1)
redis.call('ZADD', KEYS[2], us(at), ARGV[1])
redis.call('PEXPIRE', KEYS[2], math.ceil((at - now) / 1000) + tonumber(ARGV[3]))
return {at, now}
