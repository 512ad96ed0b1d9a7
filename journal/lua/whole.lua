-- Calls this part of the journal whole, in the life in which that was found out.
-- KEYS life, whole
-- ARGV life
-- Returns {0 | 1} whether it is this life
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {0} end
redis.call('SET', KEYS[2], 1)
return {1}
