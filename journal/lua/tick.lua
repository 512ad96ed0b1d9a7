-- How far the ticks of a schedule have been seen to: a mark that only rises. One that is not there yet begins where somebody
-- knows it to be, or, of a version that was activated just now, with that; else with now.
-- KEYS mark
-- ARGV known (0: nothing), activated, what counts as just now, how long it is kept in ms
-- Returns {mark, now}
local known, activated = tonumber(ARGV[1]), math.min(tonumber(ARGV[2]), now) -- the store's clock may be ahead
local noted = tonumber(redis.call('GET', KEYS[1]) or '0')
local mark = math.max(noted, known)
if mark == 0 then
	mark = now
	if activated > now - tonumber(ARGV[3]) then mark = activated end
end
mark = math.max(mark, activated)
if mark > noted then redis.call('SET', KEYS[1], us(mark), 'PX', ARGV[4]) end
return {mark, now}
