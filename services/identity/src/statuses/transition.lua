-- One change of one user's status, atomic, so that two gateways agree on who was the last to leave. The rules are
-- those of muster_domain::statuses::Presence, which a test holds against these.
--
-- KEYS  1 status:<user>       "status|manual|last_activity_at"
--       2 connections:<user>  sorted set: connection id -> when it counts as dead, ms
--       3 statuses:active     set: users who are not offline
--       4 connections:users   sorted set: user -> when the last of the user's connections counts as dead, ms
-- ARGV  1 change  2 user  3 now, ms  4 connection id  5 connection's expiry, ms  6 ms without activity until away
--       7 the durable status, "" when it has not been looked up  8 ms an activity may go unrecorded  9 key's lifetime, s
-- Returns {"missing"} when the durable status is wanted, else {before, after, whether it was written}.

local change, user, now = ARGV[1], ARGV[2], tonumber(ARGV[3])
local raw = redis.call('GET', KEYS[1])
local seeded = false
if not raw then
  if ARGV[7] == '' then return {'missing'} end
  raw = ARGV[7]
  seeded = true
end
local status, manual, last = string.match(raw, '^(%a+)|(%d)|(%d+)$')
manual, last = manual == '1', tonumber(last)

local function live_connections()
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
  return redis.call('ZCARD', KEYS[2])
end
local function track_user()
  local latest = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')
  if latest[2] then redis.call('ZADD', KEYS[4], latest[2], user) else redis.call('ZREM', KEYS[4], user) end
end
local function hold_connection()
  redis.call('ZADD', KEYS[2], ARGV[5], ARGV[4])
  redis.call('PEXPIREAT', KEYS[2], ARGV[5])
  redis.call('ZADD', KEYS[4], ARGV[5], user)
end
local function went_offline()
  if not manual then status = 'offline' end
end

if change == 'connect' then
  hold_connection()
  last = now
  if not manual then status = 'online' end
elseif change == 'renew' then
  hold_connection()
  if not manual then
    local idle = now - last >= tonumber(ARGV[6])
    if status == 'online' and idle then status = 'away'
    elseif status == 'offline' then status = idle and 'away' or 'online' end
  end
elseif change == 'disconnect' then
  redis.call('ZREM', KEYS[2], ARGV[4])
  if live_connections() == 0 then went_offline() end
  track_user()
elseif change == 'expire' then
  if live_connections() == 0 then went_offline() end
  track_user()
elseif change == 'activity' then
  if not manual and status ~= 'online' then status, last = 'online', now
  elseif now - last >= tonumber(ARGV[8]) then last = now end
elseif change == 'offline' then
  went_offline()
elseif change == 'read' then
  -- Nobody may hold a connection any more: known after a lifetime of one.
  if not manual and (status == 'online' or status == 'away') then redis.call('ZADD', KEYS[4], 'NX', ARGV[5], user) end
else -- set:<status>
  status, last = string.sub(change, 5), now
  manual = status ~= 'online'
end

local after = status .. '|' .. (manual and '1' or '0') .. '|' .. string.format('%.0f', last)
local changed = after ~= raw
if changed or seeded then
  redis.call('SET', KEYS[1], after, 'EX', ARGV[9])
  if status == 'offline' then redis.call('SREM', KEYS[3], user) else redis.call('SADD', KEYS[3], user) end
end
return {raw, after, changed and '1' or '0'}
