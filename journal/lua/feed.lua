-- Takes the tasks that are next from those held back. If nobody enqueues them they are overdue soon, but for those that
-- somebody has claimed meanwhile.
-- KEYS held, tags, open
-- ARGV at most, slack, the moment of those that are held back
-- Returns ids
local first = redis.call('ZPOPMIN', KEYS[1], ARGV[1])
local ids, overdue, moment = {}, {}, us(now + tonumber(ARGV[2]))
for i = 1, #first, 2 do
  ids[#ids + 1] = first[i]
  if tonumber(redis.call('ZSCORE', KEYS[3], first[i]) or 0) == tonumber(ARGV[3]) then
    overdue[#overdue + 1] = moment
    overdue[#overdue + 1] = first[i]
  end
end
for i = 1, #overdue, 1000 do -- Lua's stack is bounded
  redis.call('ZADD', KEYS[3], unpack(overdue, i, math.min(i + 999, #overdue)))
end
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('DEL', KEYS[2])
elseif #first > 0 then
  redis.call('HSET', KEYS[2], '', first[#first])
end
return ids
