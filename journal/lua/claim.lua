-- Takes a new epoch and a lease, and clears the wake mark.
-- ARGV id, nonce, lease, call, and for an opening: its tree ('': none), its body up to the due time, its timeout, the rest
-- Returns {0} not found | {1} finished | {2, how long still} busy | {3, epoch, now, bytes, events, opened}
local function claim(o, journal, meta, tombstone)
  local id, nonce, call, tree = ARGV[o + 1], ARGV[o + 2], ARGV[o + 4], ARGV[o + 5]
  local m = redis.call('HMGET', meta, 'e', 'n', 'l', 'f', 'a', 'b', 'd', 'v')
  if not m[6] then return {redis.call('EXISTS', tombstone)} end
  if m[4] then return {1} end
  local epoch = tonumber(m[1] or 0)
  local left = tonumber(m[3]) - now
  if left > 0 then
    -- The client sends a call again when its answer was lost; without this it would be kept out by its own lease.
    if m[2] ~= nonce or m[5] ~= call then return {2, left} end
  else
    epoch = math.max(epoch + 1, now)
  end
  local events = redis.call('LRANGE', journal, 0, -1)
  if #events == 0 then return {0} end

  local lease, bytes, first, opens = us(now + tonumber(ARGV[o + 3])), tonumber(m[6]), #events == 1, false
  if left <= 0 and first and tree ~= '' and tonumber(m[7]) <= now then
    local from = (string.find(events[1], '"tree":"', 1, true) or 0) + 8
    opens = string.sub(events[1], from, from + #tree) == tree .. '"'
  end
  if opens then
    local stored = '1:2:' .. at .. ':' .. ARGV[o + 6] .. us(now + tonumber(ARGV[o + 7])) .. ARGV[o + 8]
    events[2], bytes = stored, bytes + #stored
    redis.call('HSET', meta, 'e', us(epoch), 'n', nonce, 'l', lease, 'k', '2', 'a', call, 'd', '0', 'b', bytes,
      'v', us(math.max(tonumber(m[8]) + 1, now)))
    redis.call('RPUSH', journal, stored)
    changed(id, journal)
  else
    redis.call('HSET', meta, 'e', us(epoch), 'n', nonce, 'l', lease, 'k', #events, 'a', call, 'd', 0)
  end
  look(id, lease)
  if m[1] or not first then awake[#awake + 1] = id end -- else nobody can have left a mark
  return {3, epoch, now, bytes, events, opens and 1 or 0}
end
