-- Records a task, if its id is new.
-- KEYS journal, meta, tombstone, open, dirty, whole, minutes
-- ARGV id, hash, type, queue, process at (0: now), slack, body, parent ('': none), the parent's step, given (0 | 1)
-- Returns {0} conflict | {1, finished, type, queue, epoch, due} there already | {2, now} new | {3} it may be lost
local old = redis.call('HMGET', KEYS[2], 'h', 'f', 't', 'q', 'e', 'd')
if old[1] then
  if old[1] ~= ARGV[2] then return {0} end
  return {1, old[2] and 1 or 0, old[3], old[4], old[5], old[6]}
end
local stone = redis.call('GET', KEYS[3])
if stone then
  if stone ~= ARGV[2] then return {0} end
  return {1, 1, '', '', '0', '0'}
end
if ARGV[10] == '1' and redis.call('EXISTS', KEYS[6]) == 0 then return {3} end

local stored = '1:1:' .. us(now) .. ':' .. ARGV[7]
-- HSET is the first to write, for Redis refuses it when memory is full, and with it the whole script.
redis.call('HSET', KEYS[2], 'h', ARGV[2], 't', ARGV[3], 'q', ARGV[4], 'd', ARGV[5], 'v', us(now), 'b', #stored, 'l', 0)
redis.call('DEL', KEYS[1]) -- events without meta are no journal
redis.call('RPUSH', KEYS[1], stored)
if ARGV[8] ~= '' then redis.call('HSET', KEYS[2], 'p', ARGV[8], 'w', ARGV[9]) end
redis.call('ZADD', KEYS[4], us(math.max(now, tonumber(ARGV[5])) + tonumber(ARGV[6])), ARGV[1])
redis.call('ZADD', KEYS[5], 'NX', us(now), ARGV[1])
redis.call('PUBLISH', KEYS[1], '')
tally(KEYS[7], 's')
return {2, now}
