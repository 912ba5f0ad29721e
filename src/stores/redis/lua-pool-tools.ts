const { raw } = String

/** How long it is remembered that a pool was resized, after the last request that asked for what it had before. */
export const resizedStaysMs = 86_400_000

/**
 * A pool is a hash: #limit, #used, and owner → permits \n record; `leases` is a sorted set owner → end of its lease, in
 * ms of the server's clock. Both expire with the longest lease.
 *
 * Needs `now`. `drop` drops those whose lease is over, 1,000 at most: that takes 3 to 5 ms; true: there were any. `more`: there
 * may be others. `meant`: what a request of `limit` asks for by now. The field `#resized` of `waiters` says it: the limit, then
 * those that it had before, each with a space behind it.
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
  local dropped = false
  for _ = 1, 4 do
    local gone = redis.call('ZRANGEBYSCORE', leases, '-inf', '(' .. now, 'LIMIT', 0, 250)
    more = #gone == 250
    if #gone > 0 then
      remove(gone)
      dropped = true
    end
    if not more then break end
  end
  return dropped
end
local function meant(limit, stored)
  if limit == stored or limit == '1' then return limit end
  local resized = redis.pcall('HGET', waiters, '#resized')
  if type(resized) ~= 'string' or not string.find(resized, ' ' .. limit .. ' ', 1, true) then return limit end
  redis.call('PEXPIRE', waiters, '${resizedStaysMs}')
  return string.match(resized, '^%d+')
end`
