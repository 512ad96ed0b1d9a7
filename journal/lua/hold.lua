-- Holds a task back that nobody has claimed: it is fed to its queue when it is the turn of its group. Each group's next
-- task is tagged one higher than its last, and than what was fed last; the lowest tags come first.
-- ARGV id, group, the moment of those that are held back, only if this script has started it (0 | 1)
-- Returns {0} it is not held | {1} held
local turns = {} -- by queue: tags that were read, and what is to be written
local function hold(o, held, meta, tags)
  local id, group, moment, new = ARGV[o + 1], ARGV[o + 2], ARGV[o + 3], started == ARGV[o + 1]
  if not new and (ARGV[o + 4] == '1' or redis.call('HGET', meta, 'e')) then return {0} end
  local turn = turns[tags]
  if not turn then
    redis.call('ZCARD', held) -- of another type, it fails here, and not all operations of the script at the end
    turn = {held = held, fed = tonumber(redis.call('HGET', tags, '') or 0), last = {}, tagged = {}} -- what was fed last has no name
  end
  local tag = math.max(turn.fed, turn.last[group] or tonumber(redis.call('HGET', tags, group) or 0)) + 1
  turns[tags], turn.last[group] = turn, tag
  turn.tagged[#turn.tagged + 1] = tag
  turn.tagged[#turn.tagged + 1] = id
  if new then
    look(id, moment)
  else
    redis.call('ZADD', KEYS[1], 'XX', moment, id)
  end
  return {1}
end

local function holdAll()
  for tags, turn in pairs(turns) do
    for group, tag in pairs(turn.last) do redis.call('HSET', tags, group, tag) end
    redis.call('ZADD', turn.held, 'NX', unpack(turn.tagged))
  end
end
