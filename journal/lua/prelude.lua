-- Stands before every script: the clock, in microseconds. Lua would write so large a number as 1.7e+15, hence us().
local function us(n) return string.format('%.0f', n) end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
