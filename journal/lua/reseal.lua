-- Puts other data in the place of those that were read, if they are still there.
-- KEYS session
-- ARGV data that were read, data to be kept, for how long in ms
-- Returns 1, or 0 when there are others, or none any longer
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
