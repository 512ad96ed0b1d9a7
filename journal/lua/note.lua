-- Appends an action to the audit.
-- KEYS the stream
-- ARGV the action
return {redis.call('XADD', KEYS[1], '*', 'a', ARGV[1])}
