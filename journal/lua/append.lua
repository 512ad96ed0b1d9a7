-- Appends facts and, if nothing came in between, decisions with what follows from them.
-- ARGV 1 id, 2 nonce, 3 batch, 4 epoch, 5 read, 6 read at (0: any), 7 number of facts, 8 then ('' | park | finish),
--      9 when to look again, 10 due, 11 kind of the end, 12 starts a child (0 | 1), 13… bodies, the facts first
-- Returns {0} overtaken | {1, decided, first, now, between, version (not if it came again, or appends nothing)} |
--         {2, now} for {1, 1, read + 1, now, {}, now}, as it mostly is
local function follows(o, journal, read)
  local length = redis.call('LLEN', journal)
  if length < read then return nil end
  if ARGV[o + 6] ~= '0' then
    local header = '1:' .. ARGV[o + 5] .. ':' .. ARGV[o + 6] .. ':'
    if string.sub(redis.call('LINDEX', journal, read - 1) or '', 1, #header) ~= header then return nil end
  end
  return length
end

-- The batch that came last comes again when its answer was lost.
local function again(last, journal, read)
  local length, decided = string.match(last, ':(%d+):(%d)$')
  length = tonumber(length)
  local first = redis.call('LINDEX', journal, length) or ''
  local moment = string.match(first, '^1:%d+:(%d+):')
  return {1, tonumber(decided), length + 1, tonumber(moment or now), redis.call('LRANGE', journal, read, length - 1)}
end

local function record(o, journal, length, count)
  local bytes, list, n = 0, {}, 0
  local moment = ':' .. at .. ':'
  for i = 1, count do
    local stored = '1:' .. (length + i) .. moment .. ARGV[o + 12 + i]
    bytes, n = bytes + #stored, n + 1
    list[n] = stored
    if n == 1000 or i == count then -- Lua's stack is bounded
      redis.call('RPUSH', journal, unpack(list, 1, n))
      n = 0
    end
  end
  return bytes
end

local function append(o, journal, meta, _, args)
  local m = redis.call('HMGET', meta, 'e', 'n', 'l', 'v', 'b', 'a', 'p', 'w', 'k')
  if m[1] ~= ARGV[o + 4] or m[2] ~= ARGV[o + 2] then return {0} end
  local id, batch, read = ARGV[o + 1], ARGV[o + 3], tonumber(ARGV[o + 5])
  if string.sub(m[6], 1, #batch + 1) == batch .. ':' then return again(m[6], journal, read) end
  if m[3] == '0' then return {0} end -- parked, given back or finished

  -- The task's version is the moment of the holder's own last append: so its journal ends with what the holder has read. Else
  -- the journal itself tells, for something came in between, or the clock stood still, or a failover lost some.
  local length = read
  if m[9] ~= ARGV[o + 5] or m[4] ~= ARGV[o + 6] then length = follows(o, journal, read) end
  if not length then return {0} end
  local decided = length == read
  local count = decided and args - 12 or tonumber(ARGV[o + 7])
  local what = decided and ARGV[o + 8] or ''
  if count == 0 and what == '' then
    return {1, decided and 1 or 0, length + 1, now, redis.call('LRANGE', journal, read, -1)}
  end
  local between = decided and {} or redis.call('LRANGE', journal, read, -1)

  local bytes = tonumber(m[5]) + record(o, journal, length, count)
  local set = {'HSET', meta, 'a', batch .. ':' .. length .. (decided and ':1' or ':0'), 'b', bytes}
  local n = #set
  local function also(field, value)
    set[n + 1], set[n + 2], n = field, value, n + 2
  end
  if decided then also('k', length + count) end
  if ARGV[o + 12] == '1' then also('c', '1') end
  local version = tonumber(m[4])
  if count > 0 then
    version = math.max(version + 1, now)
    also('v', us(version))
    changed(id, journal)
  end
  if what == 'park' then
    also('l', 0)
    also('d', ARGV[o + 10])
    look(id, ARGV[o + 9])
  elseif what == 'finish' then
    also('l', 0)
    also('f', ARGV[o + 11])
    closed[#closed + 1] = id
    awake[#awake + 1] = id
    if m[7] then redis.call('HSET', KEYS[4], id, (length + count) .. ' ' .. m[7] .. ' ' .. m[8]) end
    counted(string.sub(ARGV[o + 11], 1, 2))
  end
  redis.call(unpack(set))
  if decided and version == now then return {2, now} end
  return {1, decided and 1 or 0, length + 1, now, between, version}
end
