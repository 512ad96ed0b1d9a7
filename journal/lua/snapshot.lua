-- Reads a task's journal. With an id, a dirty mark without a journal is removed.
-- KEYS journal, meta, dirty
-- ARGV id or ''
-- Returns {type, queue, epoch, due, version, finished, events} | {} not there
local m = redis.call('HMGET', KEYS[2], 't', 'q', 'e', 'd', 'v', 'f')
local events = redis.call('LRANGE', KEYS[1], 0, -1)
if not m[5] or #events == 0 then
  if ARGV[1] ~= '' then redis.call('ZREM', KEYS[3], ARGV[1]) end
  return {}
end
return {m[1], m[2], m[3], m[4], m[5], m[6], events}
