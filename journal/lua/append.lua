-- Appends facts and, if nothing came in between, decisions with what follows from them.
-- KEYS journal, meta, open, wake, dirty, outbox, minutes
-- ARGV 1 id, 2 nonce, 3 batch, 4 epoch, 5 read, 6 read at (0: any), 7 number of facts, 8 then ('' | park | finish),
--      9 when to look again, 10 due, 11 kind of the end, 12 starts a child (0 | 1), 13… bodies, the facts first
-- Returns {0} overtaken | {1, decided, first, now, between}
local m = redis.call('HMGET', KEYS[2], 'e', 'n', 'l', 'v', 'b', 'a', 'p', 'w')
if m[1] ~= ARGV[4] or m[2] ~= ARGV[2] then return {0} end
local id, batch, read = ARGV[1], ARGV[3], tonumber(ARGV[5])

-- The batch that came last comes again when its answer was lost.
if string.sub(m[6], 1, #batch + 1) == batch .. ':' then
  local length, decided = string.match(m[6], ':(%d+):(%d)$')
  length = tonumber(length)
  local first = redis.call('LINDEX', KEYS[1], length) or ''
  local at = string.match(first, '^1:%d+:(%d+):')
  return {1, tonumber(decided), length + 1, tonumber(at or now), redis.call('LRANGE', KEYS[1], read, length - 1)}
end

if m[3] == '0' then return {0} end -- parked, given back or finished
local length = redis.call('LLEN', KEYS[1])
if length < read then return {0} end
if ARGV[6] ~= '0' then
  local header = '1:' .. ARGV[5] .. ':' .. ARGV[6] .. ':'
  if string.sub(redis.call('LINDEX', KEYS[1], read - 1) or '', 1, #header) ~= header then return {0} end
end

local decided = length == read
local count = decided and #ARGV - 12 or tonumber(ARGV[7])
local what = decided and ARGV[8] or ''
if count == 0 and what == '' then
  return {1, decided and 1 or 0, length + 1, now, redis.call('LRANGE', KEYS[1], read, -1)}
end
local between = decided and {} or redis.call('LRANGE', KEYS[1], read, -1)

local bytes, at = tonumber(m[5]), us(now)
for i = 1, count do
  local stored = '1:' .. (length + i) .. ':' .. at .. ':' .. ARGV[12 + i]
  redis.call('RPUSH', KEYS[1], stored)
  bytes = bytes + #stored
end
local set = {'HSET', KEYS[2], 'a', batch .. ':' .. length .. ':' .. (decided and 1 or 0)}
local function also(field, value)
  set[#set + 1] = field
  set[#set + 1] = value
end
if decided then also('k', length + count) end
if ARGV[12] == '1' then also('c', 1) end
if count > 0 then
  also('v', us(math.max(tonumber(m[4]) + 1, now)))
  also('b', bytes)
  redis.call('ZADD', KEYS[5], 'NX', at, id)
  redis.call('PUBLISH', KEYS[1], '')
end
if what == 'park' then
  also('l', 0)
  also('d', ARGV[10])
  redis.call('ZADD', KEYS[3], ARGV[9], id)
elseif what == 'finish' then
  also('l', 0)
  also('f', ARGV[11])
  redis.call('ZREM', KEYS[3], id)
  redis.call('ZREM', KEYS[4], id)
  if m[7] then redis.call('HSET', KEYS[6], id, (length + count) .. ' ' .. m[7] .. ' ' .. m[8]) end
end
redis.call(unpack(set))
if what == 'finish' then tally(KEYS[7], string.sub(ARGV[11], 1, 2)) end
return {1, decided and 1 or 0, length + 1, now, between}
