-- Lets a child go that its parent needs no longer: it may expire.
-- KEYS journal, meta, tombstone, dirty
-- ARGV id, how long to keep, how long the id stays taken (both in ms)
redis.call('HDEL', KEYS[2], 'r') -- first: see take.lua
local m = redis.call('HMGET', KEYS[2], 'h', 'f', 'c', 'z')
if not m[1] then return 0 end
redis.call('HSET', KEYS[2], 'r', 1)
if not m[2] or m[4] or redis.call('ZSCORE', KEYS[4], ARGV[1]) then return 0 end -- it expires with its own row
if m[3] then
  redis.call('ZADD', KEYS[4], us(now), ARGV[1]) -- its row comes by once more, and lets its own children go
elseif redis.call('PTTL', KEYS[2]) < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  redis.call('PEXPIRE', KEYS[2], ARGV[2])
  redis.call('SET', KEYS[3], m[1], 'PX', ARGV[3])
end
return 0
