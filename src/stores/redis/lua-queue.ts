import { poolTools } from './lua-pool-tools.js'
import { tokenTools } from './lua-token.js'

// Who waits stands in `queue`, a sorted set owner → arrival in µs of the server's clock, and in `waiters`, a hash owner →
// what it takes to grant to it while it is silent:
//
//     end of its place (ms) \n queueMs \n ttl \n tokenTtl \n turns \n limit \n permits \n heard \n tail
//
// `heard`: its process was subscribed at this very server when it asked last, so that a count of 0 subscribers means that
// it is gone. A tail that begins with `+` is told by the sharded channel of the key. Both keys expire with the longest place.
//
// A newline at the end of a mutex' record and of the last token says that somebody may stand here: who releases the one
// or finds the other looks, everybody else does without a call. JSON and tonumber take no notice of it.

const { raw } = String

/** More than this many are not dropped, granted or shown by one call. */
const most = 1_000

/** Need `now`. */
// Numbers are given to calls as text where they are constant: each costs 0.3 µs to be written out.
const standing = raw`
local function leave(owner)
  redis.call('HDEL', waiters, owner)
  return redis.call('ZREM', queue, owner)
end
local function placeOf(owner)
  local ends, place = string.match(redis.call('HGET', waiters, owner) or '', '^(%d+)\n(.*)$')
  if ends and tonumber(ends) >= now then return place end
end
local function head()
  for _ = 1, ${most} do
    local first = redis.call('ZRANGE', queue, '0', '0')[1]
    if not first then return end
    local place = placeOf(first)
    if place then return first, place end
    leave(first)
  end
end`

/** Needs `now`. How the process of a `tail` is told; `keep` renews the place of one that stands in the queue. */
export const placeTools: string = raw`
local function wayTo(tail)
  local sharded, wakeId = string.match(tail, '^(%+?)([^\n]*)')
  if sharded == '' then return 'holdfast:' .. wakeId, 'PUBLISH', 'NUMSUB' end
  return 'holdfast:' .. string.match(tokenKey, '{[^}]*}') .. wakeId, 'SPUBLISH', 'SHARDNUMSUB'
end
local function subscribersOf(tail)
  local channel, _, count = wayTo(tail)
  return redis.pcall('PUBSUB', count, channel)[2]
end
local function tell(tail, text)
  local channel, publish = wayTo(tail)
  redis.pcall(publish, channel, text)
end
local function isHeard(tail) return (subscribersOf(tail) or 0) > 0 and '1' or '0' end
local function keep(owner, queueMs, ttl, tokenTtl, turns, limit, permits, heard, tail)
  redis.call('HSET', waiters, owner, table.concat({now + queueMs, queueMs,
     ttl, tokenTtl, turns, limit, permits, heard, tail}, '\n'))
  if redis.call('PTTL', queue) < tonumber(queueMs) then
    redis.call('PEXPIRE', queue, 2 * queueMs)
    redis.call('PEXPIRE', waiters, 2 * queueMs)
  end
end`

/**
 * `stand` puts a request into the queue, or renews its place. `flag` tells of the queue: by the token, and by `value`, the
 * record of whoever holds, if it is one of ours.
 */
const entering = raw`
local function stand(owner, queueMs, ttl, tokenTtl, turns, limit, permits, tail)
  local newest, arrival = redis.call('ZREVRANGE', queue, '0', '0', 'WITHSCORES')[2], token
  if newest and tonumber(newest) >= tonumber(token) then arrival = string.format('%.0f', newest + 1) end
  redis.call('ZADD', queue, 'NX', arrival, owner)
  keep(owner, queueMs, ttl, tokenTtl, turns, limit, permits, isHeard(tail), tail)
end
local function flag(tokenTtl, value)
  if value and string.byte(value, -1) == 10 then return end
  if value then redis.call('APPEND', main, '\n') end
  local last = redis.pcall('GET', tokenKey)
  if type(last) ~= 'string' then
    redis.call('SET', tokenKey, token .. '\n', 'PX', tokenTtl)
  elseif string.byte(last, -1) ~= 10 then
    redis.call('APPEND', tokenKey, '\n')
  end
end`

/**
 * `used`: how many permits are taken; nothing if the key is held otherwise. `promote` grants to the head of the queue while
 * it fits, and tells its process; `quiet` is an owner that the call itself will tell; `freed`: what stands in `main` is of
 * no more value, and its owner is to be replaced. Gives the lease and the record of what was granted last.
 */
const leaving = raw`
local function used(limit)
  local pool = redis.pcall('HMGET', main, '#limit', '#used')
  if pool.err then return end
  if not pool[1] then return redis.call('EXISTS', main) == 0 and 0 or nil end
  local taken = tonumber(pool[2]) or 0
  if taken <= 0 or pool[1] == limit then return taken end
end
local function grant(owner, ttl, tokenTtl, turns, limit, permits, tail, taken)
  local marker = redis.call('EXISTS', queue) == 1 and '\n' or ''
  local token = nextToken(tokenTtl, turns, marker)
  local record = owner .. '\n' .. token .. '\n' .. tail
  if limit == '1' then
    redis.call('SET', main, record .. marker, 'PX', ttl)
    return token, record
  end
  if taken <= 0 then redis.call('DEL', main, leases) end
  redis.call('HSET', main, '#limit', limit, '#used', taken + permits, owner, permits .. '\n' .. record)
  redis.call('ZADD', leases, now + ttl, owner)
  prolong()
  return token, record
end
local function promote(quiet, freed)
  local lease, record
  for _ = 1, ${most} do
    local owner, place = head()
    if not owner then return lease, record end
    local queueMs, ttl, tokenTtl, turns, limit, permits, heard, tail =
      string.match(place, '^(%d+)\n(%d+)\n(%d+)\n(%d+)\n(%d+)\n(%d+)\n(%d)\n(.*)$')
    local taken = freed and 0 or used(limit)
    if not taken or taken + permits > tonumber(limit) then return lease, record end
    leave(owner)
    if owner == quiet or heard == '0' or subscribersOf(tail) ~= 0 then
      lease, freed = ttl, false
      if tonumber(queueMs) < tonumber(ttl) then lease = queueMs end
      local token
      token, record = grant(owner, lease, tokenTtl, turns, limit, permits, tail, taken)
      if owner ~= quiet then
        tell(tail, 'granted\n' .. owner .. '\n' .. token .. '\n' .. main)
      end
      if limit == '1' then return lease, record end
    end
  end
  return lease, record
end`

/** Needs `now` and `token`. */
export const queueTools: string = tokenTools + poolTools + standing + placeTools + entering + leaving

/** Gives `waiting`: owner, tail, owner, tail … in order of arrival, and as `first` the limit of the head. */
export const readWaiters: string = raw`
local waiting, first = {}, nil
for _, owner in ipairs(redis.call('ZRANGE', queue, 0, ${most - 1})) do
  local limit, tail = string.match(placeOf(owner) or '', '^%d+\n%d+\n%d+\n%d+\n(%d+)\n%d+\n%d\n(.*)$')
  if limit then
    first = first or limit
    waiting[#waiting + 1] = owner
    waiting[#waiting + 1] = tail
  end
end`
