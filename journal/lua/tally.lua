-- Counts what happens to tasks in each minute: s for a start, or the first two letters of an end. What is over an hour old is
-- forgotten. It comes last in a script: it must not keep anything from happening.
local function tally(key, what, n)
  local minute = math.floor(tonumber(time[1]) / 60)
  if redis.call('HINCRBY', key, minute .. what, n) > n then return end
  redis.call('EXPIRE', key, 7200)
  if redis.call('HLEN', key) <= 260 then return end
  for _, field in ipairs(redis.call('HKEYS', key)) do
    if tonumber(string.match(field, '^%d+')) < minute - 61 then redis.call('HDEL', key, field) end
  end
end
