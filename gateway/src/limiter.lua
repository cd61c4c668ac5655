-- One request of a key: the generic cell rate algorithm. KEYS[1] holds the theoretical arrival time of the next one, in
-- microseconds of this server's clock. ARGV: microseconds per request, requests that may come at once.
-- Returns whether it is refused, microseconds until the key is fresh again, microseconds until the next may come.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local interval = tonumber(ARGV[1])
local tolerance = interval * tonumber(ARGV[2])
local expected = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local early = expected + interval - tolerance - now
if early > 0 then
    return {1, expected - now, early}
end
redis.call('SET', KEYS[1], string.format('%.0f', expected + interval), 'PX', math.ceil((expected + interval - now) / 1000))
return {0, expected + interval - now, 0}
