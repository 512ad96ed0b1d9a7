-- Takes a new epoch and a lease, and clears the wake mark.
-- KEYS journal, meta, tombstone, open, wake, dirty
-- ARGV id, nonce, lease, call, and for an opening: its tree ('': none), its body up to the due time, its timeout, the rest
-- Returns {0} not found | {1} finished | {2, how long still} busy | {3, epoch, now, bytes, events, opened}
local m = redis.call('HMGET', KEYS[2], 'e', 'n', 'l', 'f', 'a', 'b', 'd', 'v')
if not m[6] then return {redis.call('EXISTS', KEYS[3])} end
if m[4] then return {1} end
local epoch = tonumber(m[1] or 0)
local left = tonumber(m[3]) - now
if left > 0 then
  -- The client sends a call again when its answer was lost; without this it would be kept out by its own lease.
  if m[2] ~= ARGV[2] or m[5] ~= ARGV[4] then return {2, left} end
else
  epoch = math.max(epoch + 1, now)
end
local events = redis.call('LRANGE', KEYS[1], 0, -1)
if #events == 0 then return {0} end

local lease = us(now + tonumber(ARGV[3]))
redis.call('HSET', KEYS[2], 'e', us(epoch), 'n', ARGV[2], 'l', lease, 'k', #events, 'a', ARGV[4], 'd', 0)
redis.call('ZADD', KEYS[4], lease, ARGV[1])
redis.call('ZREM', KEYS[5], ARGV[1])
local bytes, opened = tonumber(m[6]), 0
if left <= 0 and #events == 1 and ARGV[5] ~= '' and tonumber(m[7]) <= now
  and string.match(events[1], '"tree":"([^"]*)"') == ARGV[5] then -- the first match: what clients give comes after it
  local at = us(now)
  local stored = '1:2:' .. at .. ':' .. ARGV[6] .. us(now + tonumber(ARGV[7])) .. ARGV[8]
  redis.call('RPUSH', KEYS[1], stored)
  opened, events[2], bytes = 1, stored, bytes + #stored
  redis.call('HSET', KEYS[2], 'k', 2, 'b', bytes, 'v', us(math.max(tonumber(m[8]) + 1, now)))
  redis.call('ZADD', KEYS[6], 'NX', at, ARGV[1])
  redis.call('PUBLISH', KEYS[1], '')
end
return {3, epoch, now, bytes, events, opened}
