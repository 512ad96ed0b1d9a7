-- Makes a journal again that is lost, if nothing is known of its task.
-- KEYS journal, meta, tombstone, open, dirty, outbox
-- ARGV 1 id, 2 hash, 3 type, 4 queue, 5 version of the row, 6 due (0: now), 7 slack, 8 kind of the end ('': it goes on),
--      9 parent ('': none), 10 the parent's step, 11 number of the event that reopened it (0: none),
--      12 has children (0 | 1), 13 number of kept events, 14 number of new ones, 15… kept events, bodies of new ones,
--      fields that dedupe with their numbers
-- Returns {0, finished, type, queue, epoch, due} there already | {1, epoch} restored
local old = redis.call('HMGET', KEYS[2], 't', 'f', 'q', 'e', 'd')
if old[1] then return {0, old[2] and 1 or 0, old[1], old[3], old[4], old[5]} end
if redis.call('EXISTS', KEYS[3]) == 1 then return {0, 1} end

local id, at, kept, new = ARGV[1], us(now), tonumber(ARGV[13]), tonumber(ARGV[14])
local set = {'HSET', KEYS[2],
  'h', ARGV[2], 't', ARGV[3], 'q', ARGV[4], 'd', ARGV[6], 'v', us(math.max(tonumber(ARGV[5]) + 1, now)), 'l', 0,
  'e', at} -- a runner of the lost journal has an older epoch, and no nonce fits
local function also(field, value)
  set[#set + 1] = field
  set[#set + 1] = value
end
if ARGV[8] ~= '' then also('f', ARGV[8]) end
if ARGV[9] ~= '' then
  also('p', ARGV[9])
  also('w', ARGV[10])
end
if ARGV[11] ~= '0' then also('o', ARGV[11]) end
if ARGV[12] == '1' then also('c', 1) end
redis.call(unpack(set)) -- the first to write: see start.lua
for i = 15 + kept + new, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end

local bytes = 0
redis.call('DEL', KEYS[1]) -- events without meta are no journal
for i = 1, kept + new do
  local stored = ARGV[14 + i]
  if i > kept then stored = '1:' .. i .. ':' .. at .. ':' .. stored end
  redis.call('RPUSH', KEYS[1], stored)
  bytes = bytes + #stored
end
redis.call('HSET', KEYS[2], 'b', bytes)

if ARGV[8] == '' then
  redis.call('ZADD', KEYS[4], us(math.max(now, tonumber(ARGV[6])) + tonumber(ARGV[7])), id)
elseif ARGV[9] ~= '' then
  redis.call('HSET', KEYS[6], id, (kept + new) .. ' ' .. ARGV[9] .. ' ' .. ARGV[10])
end
redis.call('ZADD', KEYS[5], 'NX', at, id)
redis.call('PUBLISH', KEYS[1], '')
return {1, at}
