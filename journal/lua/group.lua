-- Runs operations on tasks of one partition, one after the other; see start.lua, claim.lua, append.lua and hold.lua.
-- KEYS open, wake, dirty, outbox, minutes, whole, watched; then of each operation: journal, meta, tombstone; or held, meta, tags
-- ARGV of each operation: its name, how many arguments follow, and they
-- Returns for each what it returns, or {-1, error}: what is wrong with one task keeps no other one from its turn
local operations = {start = start, claim = claim, append = append, hold = hold}

-- What Redis refuses at the moment, it refuses to all of them, and the client has to hear it.
local function refused(message)
  for _, code in ipairs({'READONLY', 'OOM', 'MISCONF', 'NOREPLICAS', 'MASTERDOWN'}) do
    if string.find(message, code .. ' ', 1, true) then return true end
  end
end

local answers, o, k = {}, 1, 8
while o <= #ARGV do
  local args = tonumber(ARGV[o + 1])
  local ok, answer = pcall(operations[ARGV[o]], o + 1, KEYS[k], KEYS[k + 1], KEYS[k + 2], args)
  if not ok then
    local message = type(answer) == 'table' and answer.err or answer
    if refused(message) then return redis.error_reply(message) end
    answer = {-1, message}
  end
  answers[#answers + 1] = answer
  o, k = o + 2 + args, k + 3
end

holdAll()
if #open > 0 then redis.call('ZADD', KEYS[1], unpack(open)) end
if #closed > 0 then redis.call('ZREM', KEYS[1], unpack(closed)) end
if #awake > 0 then redis.call('ZREM', KEYS[2], unpack(awake)) end
if #dirty > 0 then redis.call('ZADD', KEYS[3], 'NX', unpack(dirty)) end
for what, n in pairs(counts) do tally(KEYS[5], what, n) end
return answers
