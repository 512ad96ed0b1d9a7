-- Gives a lease back without an event.
-- KEYS journal, meta, open, wake
-- ARGV id, nonce, epoch, when to look again, due, wake (0 | 1)
local m = redis.call('HMGET', KEYS[2], 'e', 'n', 'l', 'k')
if m[1] ~= ARGV[3] or m[2] ~= ARGV[2] or m[3] == '0' then return 0 end
redis.call('HSET', KEYS[2], 'l', 0, 'd', ARGV[5])
-- A message that came in under the lease left no wake mark; nobody would look at it before the due time.
if ARGV[6] == '1' or redis.call('LLEN', KEYS[1]) > tonumber(m[4]) then
  redis.call('ZADD', KEYS[4], 'NX', us(now), ARGV[1])
  redis.call('ZADD', KEYS[3], us(now), ARGV[1])
else
  redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1])
end
return 1
