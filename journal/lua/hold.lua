-- Holds a task back that nobody has claimed: it is fed to its queue when it is the turn of its group. Each group's next
-- task is tagged one higher than its last, and than what was fed last; the lowest tags come first.
-- ARGV id, group, the moment of those that are held back
-- Returns {0} it has been claimed | {1} held
local function hold(o, held, meta, tags)
  local id, group = ARGV[o + 1], ARGV[o + 2]
  if redis.call('HGET', meta, 'e') then return {0} end
  local last = redis.call('HMGET', tags, '', group) -- what was fed last has no name
  local tag = math.max(tonumber(last[1] or 0), tonumber(last[2] or 0)) + 1
  redis.call('HSET', tags, group, tag)
  redis.call('ZADD', held, 'NX', tag, id)
  redis.call('ZADD', KEYS[1], 'XX', ARGV[o + 3], id)
  return {1}
end
