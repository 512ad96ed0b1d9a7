-- Reads journals. With an id, a dirty mark without a journal is removed.
-- KEYS dirty, then journal and meta of each
-- ARGV for each: id or '', and the version of which it is known how it reads ('': of none)
-- Returns for each {type, queue, epoch, due, version, finished, events} | {} not there | its version, which is that one
local answers = {}
local function read(journal, meta, id)
  local m = redis.call('HMGET', meta, 't', 'q', 'e', 'd', 'v', 'f')
  local events = redis.call('LRANGE', journal, 0, -1)
  if m[5] and #events > 0 then return {m[1], m[2], m[3], m[4], m[5], m[6], events} end
  if id ~= '' then redis.call('ZREM', KEYS[1], id) end
  return {}
end
for i = 1, #ARGV / 2 do
  local journal, meta, id, known = KEYS[2 * i], KEYS[2 * i + 1], ARGV[2 * i - 1], ARGV[2 * i]
  if known ~= '' and redis.call('HGET', meta, 'v') == known then
    answers[i] = tonumber(known)
  else
    answers[i] = read(journal, meta, id)
  end
end
return answers
