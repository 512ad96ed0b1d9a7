-- What the operations of one script do to the indexes of their partition is done once, after the last of them.
-- KEYS 1 open, 2 wake, 3 dirty, 4 outbox, 5 minutes, 6 whole, 7 watched
local at = us(now)
local watched = redis.call('EXISTS', KEYS[7]) == 1
local open, closed, awake, dirty, counts = {}, {}, {}, {}, {}
local function look(id, when)
  open[#open + 1] = when
  open[#open + 1] = id
end
local function changed(id, journal)
  dirty[#dirty + 1] = at
  dirty[#dirty + 1] = id
  if watched then redis.call('PUBLISH', journal, '') end
end
local function counted(what) counts[what] = (counts[what] or 0) + 1 end
