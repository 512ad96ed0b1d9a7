-- Gives tasks room under a limit, in the order in which they asked for it.
-- KEYS holders, those that wait, those that were given room and have not come, limits
-- ARGV what (enter | resume | stay | leave | give), id, the limit's name, how many, lease, the lease twice in ms
-- Returns {has the task room (0 | 1), ids of others that were given room}
local what, id, free = ARGV[1], ARGV[2], tonumber(ARGV[4])
local lease = us(now + tonumber(ARGV[5]))
local begun = 30 * 86400 * 1000000 -- longer than anybody stands in line

-- Whoever died has left; whoever did not come goes to the end of the line.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', us(now))
for _, lost in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', us(now))) do
  redis.call('ZREM', KEYS[3], lost)
  redis.call('ZADD', KEYS[2], us(now), lost)
end

-- Whoever has waited in line and is at the door takes room that is free, or that of one who has not come. That one is the
-- next again: when wake-ups take longer than a lease, room would go round among those who are on their way.
local function takes()
  if not redis.call('ZSCORE', KEYS[2], id) then return false end
  if redis.call('ZCARD', KEYS[1]) < free then return true end
  local absent = redis.call('ZPOPMIN', KEYS[3])
  if #absent == 0 then return false end
  redis.call('ZREM', KEYS[1], absent[1])
  local first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
  redis.call('ZADD', KEYS[2], us(tonumber(first[2]) - 1), absent[1])
  return true
end

local room = 0
if what == 'enter' or what == 'resume' or what == 'stay' then
  if what == 'stay' or redis.call('ZSCORE', KEYS[1], id) or takes() then
    redis.call('ZADD', KEYS[1], lease, id)
    redis.call('ZREM', KEYS[2], id)
    redis.call('ZREM', KEYS[3], id)
    room = 1
  else
    -- What has begun stands before all that has not, or everything would begin and nothing end.
    redis.call('ZADD', KEYS[2], 'NX', us(what == 'resume' and now - begun or now), id)
  end
elseif what == 'leave' then
  for i = 1, 3 do redis.call('ZREM', KEYS[i], id) end
end

local given = {}
free = free - redis.call('ZCARD', KEYS[1])
if free > 0 and what ~= 'stay' then -- a renewal wakes nobody
  local first = redis.call('ZPOPMIN', KEYS[2], free)
  for i = 1, #first, 2 do
    redis.call('ZADD', KEYS[1], lease, first[i])
    if (what == 'enter' or what == 'resume') and first[i] == id then
      room = 1
    else
      redis.call('ZADD', KEYS[3], lease, first[i])
      given[#given + 1] = first[i]
    end
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[6])
if redis.call('EXISTS', KEYS[2], KEYS[3]) > 0 then
  redis.call('HSET', KEYS[4], ARGV[3], ARGV[4])
else
  redis.call('HDEL', KEYS[4], ARGV[3])
end
return {room, given}
