-- Reads dead letters. Members of the index that have none are removed.
-- KEYS dead, then meta of each
-- ARGV id of each
-- Returns for each {type, letter} | {} none
local answers = {}
for i, id in ipairs(ARGV) do
  local m = redis.call('HMGET', KEYS[i + 1], 't', 'z')
  if m[2] then
    answers[i] = m
  else
    redis.call('ZREM', KEYS[1], id)
    answers[i] = {}
  end
end
return answers
