-- Removes the journals of tasks that have ended, whose rows are written or refused for good, and that no parent may still
-- want undone. Their ids stay taken, also those of tasks that are gone already: late effects are refused by the id alone.
-- KEYS dirty, dead, then journal, meta and tombstone of each
-- ARGV how long the ids stay taken (ms), then the id of each
-- Returns those that it left alone
local left = {}
for i = 2, #ARGV do
  local id, journal, meta, tombstone = ARGV[i], KEYS[3 * i - 3], KEYS[3 * i - 2], KEYS[3 * i - 1]
  local m = redis.call('HMGET', meta, 'v', 'f', 'h', 'p', 'r')
  if m[1] and (not m[2] or (m[4] and not m[5]) or redis.call('ZSCORE', KEYS[1], id)) then
    left[#left + 1] = id
  else
    redis.call('DEL', journal, meta) -- first: see take.lua
    redis.call('ZREM', KEYS[2], id)
    local taken = redis.call('PTTL', tombstone)
    if taken == -2 then
      redis.call('SET', tombstone, m[3] or '', 'PX', ARGV[1])
    elseif taken < tonumber(ARGV[1]) then
      redis.call('PEXPIRE', tombstone, ARGV[1])
    end
  end
end
return left
