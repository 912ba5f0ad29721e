import { poolTools } from './lua-pool-tools.js'
import { tokenTools } from './lua-token.js'

// Who waits stands in `queue`, a list of owners in order of arrival, and in `waiters`, a hash owner → what it takes to grant
// to it while it is silent:
//
//     end of its place (ms) \n queueMs \n ttl \n tokenTtl \n turns \n limit \n permits \n heard \n tail
//
// `heard`: its process is subscribed at this very server, so that a message which nobody gets means that it is gone. A tail
// that begins with `+` is told by the sharded channel of the key. Both keys expire some 10 s after the last place.
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
  redis.call('LREM', queue, '-1', owner)
  return redis.call('HDEL', waiters, owner)
end
local function placeOf(owner)
  local ends, place = string.match(redis.call('HGET', waiters, owner) or '', '^(%d+)\n(.*)$')
  if ends and tonumber(ends) >= now then return place end
end
local function pop(owner)
  redis.call('LPOP', queue)
  redis.call('HDEL', waiters, owner)
end
local function head()
  for _ = 1, ${most} do
    local first = redis.call('LINDEX', queue, '0')
    if not first then return end
    local place = placeOf(first)
    if place then return first, place end
    pop(first)
  end
end`

/** Needs `now`. How the process of a `tail` is told; `keep` writes down the place of one that stands in the queue: 1 if it is new. */
export const placeTools: string = raw`
local function wayTo(tail)
  local sharded, wakeId = string.match(tail, '^(%+?)([^\n]*)')
  if sharded == '' then return 'holdfast:' .. wakeId, 'PUBLISH', 'NUMSUB' end
  return 'holdfast:' .. string.match(tokenKey, '{[^}]*}') .. wakeId, 'SPUBLISH', 'SHARDNUMSUB'
end
local function tell(tail, text)
  local channel, publish = wayTo(tail)
  return redis.pcall(publish, channel, text)
end
local function isHeard(tail)
  local channel, _, count = wayTo(tail)
  return (redis.pcall('PUBSUB', count, channel)[2] or 0) > 0 and '1' or '0'
end
local function keep(owner, queueMs, ttl, tokenTtl, turns, limit, permits, heard, tail)
  return redis.call('HSET', waiters, owner, table.concat({now + queueMs, queueMs,
     ttl, tokenTtl, turns, limit, permits, heard, tail}, '\n'))
end
local function outlast(queueMs)
  local ms = 10000 + 2 * queueMs
  redis.call('PEXPIRE', queue, ms)
  if redis.call('PTTL', waiters) < ms then redis.call('PEXPIRE', waiters, ms) end
end`

/**
 * `stand` puts a request into the queue, or renews its place; gives how many are before it. `flag` tells of the queue: by the
 * token, and by `value`, the record of whoever holds, if it is one of ours.
 */
const entering = raw`
local function stand(owner, queueMs, ttl, tokenTtl, turns, limit, permits, heard, tail)
  if heard ~= '1' then heard = isHeard(tail) end
  local before
  if keep(owner, queueMs, ttl, tokenTtl, turns, limit, permits, heard, tail) == 0 then
    outlast(queueMs)
    head()
    before = redis.pcall('LPOS', queue, owner)
    if type(before) == 'table' then return redis.call('LLEN', queue) - 1 end
    if before then return before end
  end
  before = redis.call('RPUSH', queue, owner) - 1
  if before == 0 or redis.call('PTTL', queue) < 10000 + queueMs then outlast(queueMs) end
  return before
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
 * `used`: how many permits are taken, and of how many; nothing if the key is held otherwise. `promote` grants to the head of the queue while
 * it fits, and tells its process; `quiet` is an owner that the call itself will tell; `freed`: what stands in `main` is of
 * no more value, and its owner is to be replaced. Gives the lease and the record of what was granted last. What is granted
 * to a waiter says that others may wait: where one did, more will.
 */
const leaving = raw`
local function used(asked)
  local pool = redis.pcall('HMGET', main, '#limit', '#used')
  if pool.err or not pool[1] and redis.call('EXISTS', main) == 1 then return end
  local taken, limit = tonumber(pool[2] or 0) or 0, meant(asked, pool[1])
  if taken <= 0 or pool[1] == limit then return taken, limit end
end
local function grant(owner, ttl, tokenTtl, turns, asked, permits, tail, taken, marker, limit)
  local token = nextToken(tokenTtl, turns, marker)
  local record = owner .. '\n' .. token .. '\n' .. tail
  if asked == '1' then
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
    local owner, place
    if freed then
      owner = redis.call('LPOP', queue)
      if not owner then return end
      place = placeOf(owner)
      redis.call('HDEL', waiters, owner)
    else
      owner, place = head()
      if not owner then return lease, record end
    end
    local queueMs, ttl, tokenTtl, turns, asked, permits, heard, tail =
      string.match(place or '', '^(%d+)\n(%d+)\n(%d+)\n(%d+)\n(%d+)\n(%d+)\n(%d)\n(.*)$')
    local taken, limit = 0, nil
    if freed then
      limit = place and meant(asked)
    else
      taken, limit = used(asked)
      local never = taken and tonumber(permits) > tonumber(limit)
      if not taken or not never and taken + permits > tonumber(limit) then return lease, record end
      pop(owner)
      if never then place = nil end
    end
    if place then
      local least = tonumber(queueMs) < tonumber(ttl) and queueMs or ttl
      local marker = owner == quiet and redis.call('EXISTS', queue) == 0 and '' or '\n'
      local token, granted = grant(owner, least, tokenTtl, turns, asked, permits, tail, taken, marker, limit)
      local message = 'granted\n' .. owner .. '\n' .. token .. '\n' .. main
      if owner ~= quiet and tell(tail, message) == 0 and heard == '1' then
        if asked == '1' then
          redis.call('DEL', main)
        else
          remove({owner})
          settle()
        end
      else
        lease, record, freed = least, granted, false
        if asked == '1' or taken + permits >= tonumber(limit) then return lease, record end
      end
    end
  end
  return lease, record
end`

/** What a request needs that is refused. Each function costs 0.2 µs to be made, so the others come where they are used. Needs `now`, `token` and `time`. */
export const enteringTools: string = standing + placeTools + entering

/** The rest. Needs `micros` as well. */
export const leavingTools: string = tokenTools + poolTools + leaving

export const queueTools: string = enteringTools + leavingTools

/** Gives `waiting`: owner, tail, owner, tail … in order of arrival, and as `first` the limit of the head. */
export const readWaiters: string = raw`
local waiting, first = {}, nil
for _, owner in ipairs(redis.call('LRANGE', queue, 0, ${most - 1})) do
  local limit, tail = string.match(placeOf(owner) or '', '^%d+\n%d+\n%d+\n%d+\n(%d+)\n%d+\n%d\n(.*)$')
  if limit then
    first = first or limit
    waiting[#waiting + 1] = owner
    waiting[#waiting + 1] = tail
  end
end`
