-- Notes a task that waits for the end of a pause.
-- KEYS those that wait, names of pauses that some wait for
-- ARGV id, the pause's name
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('SADD', KEYS[2], ARGV[2])
return {}
