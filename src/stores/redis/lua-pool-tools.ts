const { raw } = String

/**
 * A pool is a hash: #limit, #used, and owner → permits \n record; `leases` is a sorted set owner → end of its lease, in
 * ms of the server's clock. Both expire with the longest lease.
 *
 * Needs `now`. `drop` drops those whose lease is over, 1,000 at most: that takes 3 to 5 ms. `more`: there may be others.
 */
export const poolTools: string = raw`
local function remove(owners)
  local permits = 0
  for _, field in ipairs(redis.call('HMGET', main, unpack(owners))) do
    permits = permits + tonumber(string.match(field or '0', '^%d+') or 0)
  end
  redis.call('HDEL', main, unpack(owners))
  redis.call('ZREM', leases, unpack(owners))
  redis.call('HINCRBY', main, '#used', -permits)
end
local function prolong()
  local longest = redis.call('ZREVRANGE', leases, 0, 0, 'WITHSCORES')[2]
  if longest then
    redis.call('PEXPIREAT', main, longest)
    redis.call('PEXPIREAT', leases, longest)
  end
end
local function settle()
  if tonumber(redis.call('HGET', main, '#used') or 0) <= 0 then
    redis.call('DEL', main, leases)
  else
    prolong()
  end
end
local function lease(owner)
  local field = redis.pcall('HGET', main, owner)
  if type(field) == 'string' then return field, tonumber(redis.call('ZSCORE', leases, owner) or now) end
end
local more = false
local function drop()
  for _ = 1, 4 do
    local gone = redis.call('ZRANGEBYSCORE', leases, '-inf', '(' .. now, 'LIMIT', 0, 250)
    more = #gone == 250
    if #gone > 0 then remove(gone) end
    if not more then return end
  end
end`
