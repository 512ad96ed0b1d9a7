-- Reads journals. With an id, a dirty mark without a journal is removed.
-- KEYS dirty, then journal and meta of each
-- ARGV id or '' for each
-- Returns for each {type, queue, epoch, due, version, finished, events} | {} not there
local answers = {}
for i, id in ipairs(ARGV) do
  local m = redis.call('HMGET', KEYS[2 * i + 1], 't', 'q', 'e', 'd', 'v', 'f')
  local events = redis.call('LRANGE', KEYS[2 * i], 0, -1)
  if m[5] and #events > 0 then
    answers[i] = {m[1], m[2], m[3], m[4], m[5], m[6], events}
  else
    if id ~= '' then redis.call('ZREM', KEYS[1], id) end
    answers[i] = {}
  end
end
return answers
