-- Records a task, if its id is new.
-- ARGV id, hash, type, queue, process at (0: now), slack, body, parent ('': none), the parent's step, given (0 | 1)
-- Returns {0} conflict | {1, finished, type, queue, epoch, due} there already | {2, now} new | {3} it may be lost
local function known(meta, tombstone, hash)
  local old = redis.call('HMGET', meta, 'h', 'f', 't', 'q', 'e', 'd')
  local stone = old[1] or redis.call('GET', tombstone)
  if stone ~= hash then return {0} end
  if not old[1] then return {1, 1, '', '', '0', '0'} end
  return {1, old[2] and 1 or 0, old[3], old[4], old[5], old[6]}
end
local started -- the id of the task that the last start has begun
local function start(o, journal, meta, tombstone)
  local id = ARGV[o + 1]
  started = nil
  if redis.call('EXISTS', meta, tombstone) > 0 then return known(meta, tombstone, ARGV[o + 2]) end
  if ARGV[o + 10] == '1' and redis.call('EXISTS', KEYS[6]) == 0 then return {3} end

  local stored = '1:1:' .. at .. ':' .. ARGV[o + 7]
  -- HSET is the first to write, for Redis refuses it when memory is full, and with it the whole script.
  redis.call('HSET', meta, 'h', ARGV[o + 2], 't', ARGV[o + 3], 'q', ARGV[o + 4], 'd', ARGV[o + 5], 'v', at, 'b', #stored, 'l', 0)
  if redis.call('RPUSH', journal, stored) > 1 then -- events without meta are no journal
    redis.call('DEL', journal)
    redis.call('RPUSH', journal, stored)
  end
  if ARGV[o + 8] ~= '' then redis.call('HSET', meta, 'p', ARGV[o + 8], 'w', ARGV[o + 9]) end
  look(id, us(math.max(now, tonumber(ARGV[o + 5])) + tonumber(ARGV[o + 6])))
  changed(id, journal)
  counted('s')
  started = id
  return {2, now}
end
