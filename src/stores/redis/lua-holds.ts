import { readNow, readOwner } from './lua-clock.js'
import { resizedStaysMs } from './lua-pool-tools.js'
import { queueTools, readWaiters } from './lua-queue.js'

const { raw } = String

/** How long, at least, it is remembered whom a forced release ended. */
const revokedStaysMs = 60_000

/** Needs `mark`, `ttl`, `tokenTtl`. */
export const renew: string = raw`
local value = redis.pcall('GET', main)
if type(value) == 'string' then
  if string.find(value, mark, 1, true) ~= 1 then return 0 end
  redis.call('PEXPIRE', tokenKey, tokenTtl)
  return redis.call('PEXPIRE', main, ttl)
end
${readNow}
${readOwner}
${queueTools}
local field, ends = lease(owner)
local renewed = field and ends >= now and 1 or 0
if renewed == 1 then
  redis.call('ZADD', leases, now + ttl, owner)
  redis.call('PEXPIRE', tokenKey, tokenTtl)
end
if value and type(redis.pcall('HGET', main, '#limit')) == 'string' then
  drop()
  settle()
end
pcall(promote)
return renewed`

/**
 * Needs `mark`, and `quiet`: an owner that is not told if it gets the key. A key that came free stays free even if it cannot
 * be granted. 1 or 0, then, where a mutex was granted to somebody who waited, its lease and its record.
 */
export const release: string = raw`
local value = redis.pcall('GET', main)
local own = type(value) == 'string' and string.find(value, mark, 1, true) == 1
if own and string.byte(value, -1) ~= 10 then return redis.call('DEL', main) end
${readNow}
${readOwner}
${queueTools}
if type(value) == 'string' then
  if not own then return leave(owner) end
  if enter then enter(stand) end
  local done, leaseMs, record = pcall(promote, quiet, true)
  if done and leaseMs then return 1, leaseMs, record end
  redis.call('DEL', main)
  return 1
end
local field, ends = lease(owner)
local released = field and ends >= now and 1 or 0
if not field then
  released = leave(owner)
  pcall(promote, quiet)
  return released
end
redis.call('HDEL', main, owner)
redis.call('ZREM', leases, owner)
redis.call('HINCRBY', main, '#used', -(string.match(field, '^%d+') or 0))
drop()
local done, granted = pcall(promote, quiet)
if not done or not granted then settle() end
return released`

/** { limit, { for each holder: ms left, permits, record }, { for each waiter: owner, tail } }; nothing if there is nobody. */
export const inspect: string = raw`
${readNow}
${queueTools}
if redis.call('EXISTS', queue) == 1 then
  if type(redis.pcall('HGET', main, '#limit')) == 'string' then
    drop()
    settle()
  end
  pcall(promote)
end
${readWaiters}
local found = {}
local limit = redis.pcall('HGET', main, '#limit')
if type(limit) == 'string' then
  local held = redis.call('ZRANGEBYSCORE', leases, now, '+inf', 'WITHSCORES')
  for at = 1, #held, 2 do
    local permits, record = string.match(redis.call('HGET', main, held[at]) or '', '^(%d+)\n(.*)$')
    if permits then
      found[#found + 1] = held[at + 1] - now
      found[#found + 1] = permits
      found[#found + 1] = record
    end
  end
else
  limit = '1'
  local value = redis.pcall('GET', main)
  if value then found = {redis.call('PTTL', main), '1', type(value) == 'string' and value or ''} end
end
if found[1] then return {limit, found, waiting} end
return first and {first, found, waiting} or false`

/** Needs `wakeId`: of the asking store, whose own holders are told without a message. { 0 or 1, then these owners }. */
export const forceRelease: string = raw`
${readNow}
${queueTools}
local value = redis.pcall('GET', main)
local reply, records = {value and 1 or 0}, {}
if type(value) == 'string' then
  records = {{value, now + math.max(0, redis.call('PTTL', main))}}
elseif type(redis.pcall('HGET', main, '#limit')) == 'string' then
  local held = redis.call('ZRANGEBYSCORE', leases, now, '+inf', 'WITHSCORES')
  for at = 1, #held, 2 do
    local record = string.match(redis.call('HGET', main, held[at]) or '', '^%d+\n(.*)$')
    records[#records + 1] = {record or '', tonumber(held[at + 1])}
  end
  if #records == 0 then reply[1] = 0 end
end
redis.call('DEL', main, leases)
redis.call('ZREMRANGEBYSCORE', revoked, '-inf', '(' .. now)
for _, ended in ipairs(records) do
  local owner, holderWakeId = string.match(ended[1], '^([^\n]+)\n%d+\n%+?([^\n]*)\n')
  if owner then
    redis.call('ZADD', revoked, math.max(ended[2], now + ${revokedStaysMs}), owner)
    if holderWakeId == wakeId then
      reply[#reply + 1] = owner
    else
      redis.pcall('PUBLISH', 'holdfast:' .. holderWakeId, 'revoked\n' .. owner .. '\n' .. main)
    end
  end
end
local longest = redis.call('ZREVRANGE', revoked, 0, 0, 'WITHSCORES')[2]
if longest then redis.call('PEXPIREAT', revoked, longest) end
pcall(promote)
return reply`

/**
 * Needs `from` and `to`. 1, or { '#limit', its limit } where those who hold do not say `from`. What it had before is remembered,
 * of 32 numbers, for those who still ask for it.
 */
export const resize: string = raw`
${readNow}
${queueTools}
local pool = redis.pcall('HMGET', main, '#limit', '#used')
local stored = pool[1]
if pool.err or not stored and redis.call('EXISTS', main) == 1 then return {'#limit', '1'} end
if stored then
  drop()
  settle()
end
local taken = tonumber(stored and redis.call('HGET', main, '#used') or 0) or 0
local agreed = meant(from, stored)
if taken > 0 and stored ~= agreed then return {'#limit', stored} end
local before = redis.pcall('HGET', waiters, '#resized')
if type(before) ~= 'string' then before = '' end
if taken <= 0 and agreed == from and string.match(before, '^%d+') ~= from then before = '' end
local known, seen = {to}, {[to] = true}
for limit in string.gmatch(from .. ' ' .. before, '%d+') do
  if not seen[limit] and #known <= 32 then
    seen[limit] = true
    known[#known + 1] = limit
  end
end
redis.call('HSET', waiters, '#resized', table.concat(known, ' ') .. ' ')
redis.call('PEXPIRE', waiters, '${resizedStaysMs}')
if taken > 0 then redis.call('HSET', main, '#limit', to) end
pcall(promote)
return 1`

/** Needs `owner`. The mark of a hold that ended long ago may still stand beside later ones. */
export const wasRevoked: string = raw`
${readNow}
local ends = redis.call('ZSCORE', revoked, owner)
return ends and tonumber(ends) >= now and 1 or 0`
