-- Removes an entry of the outbox, unless the child has put a newer one there.
-- KEYS outbox
-- ARGV child, entry
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('HDEL', KEYS[1], ARGV[1]) end
return 0
