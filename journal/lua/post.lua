-- Appends a message from outside.
-- KEYS journal, meta, tombstone, open, wake, dirty
-- ARGV id, body, field that dedupes ('x': none), reopen (0 | 1), limit of the journal's bytes (0: none), slack
-- Returns {0} not found | {1, number that it got before or 0} finished | {2} too large | {3} nothing to reopen |
--         {4, number, duplicate, type, queue, epoch}
local m = redis.call('HMGET', KEYS[2], 'f', 'l', 'b', 'v', 't', 'q', 'e', 'o', ARGV[3])
local length = redis.call('LLEN', KEYS[1])
if not m[4] or length == 0 then return {redis.call('EXISTS', KEYS[3])} end
local id, reopen = ARGV[1], ARGV[4] == '1'
if reopen and m[8] then return {4, tonumber(m[8]), 1, m[5], m[6], m[7]} end
if m[1] and not (reopen and m[1] == 'completed') then return {1, tonumber(m[9] or 0)} end
if m[9] then return {4, tonumber(m[9]), 1, m[5], m[6], m[7]} end
if reopen and not m[1] then return {3} end
local bytes, limit = tonumber(m[3]), tonumber(ARGV[5])
if limit > 0 and bytes + #ARGV[2] > limit then return {2} end

local number, at = length + 1, us(now)
local stored = '1:' .. number .. ':' .. at .. ':' .. ARGV[2]
redis.call('RPUSH', KEYS[1], stored)
redis.call('HSET', KEYS[2], 'v', us(math.max(tonumber(m[4]) + 1, now)), 'b', bytes + #stored)
if ARGV[3] ~= 'x' then redis.call('HSET', KEYS[2], ARGV[3], number) end
if reopen then
  redis.call('HSET', KEYS[2], 'o', number)
  redis.call('HDEL', KEYS[2], 'f', 'r')
  redis.call('PERSIST', KEYS[1])
  redis.call('PERSIST', KEYS[2])
  redis.call('DEL', KEYS[3])
  redis.call('ZADD', KEYS[4], us(now + tonumber(ARGV[6])), id)
end
-- Under a fresh lease the runner cannot park or finish past the message. An older mark stays, or a stream of messages
-- would keep it too young to be swept.
if tonumber(m[2]) <= now then redis.call('ZADD', KEYS[5], 'NX', at, id) end
redis.call('ZADD', KEYS[6], 'NX', at, id)
redis.call('PUBLISH', KEYS[1], '')
return {4, number, 0, m[5], m[6], m[7]}
