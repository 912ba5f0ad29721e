import { readClock, readMillis, readNow, readOwner } from './lua-clock.js'
import { enteringTools, leavingTools, queueTools } from './lua-queue.js'
import { rememberToken, tokenTools } from './lua-token.js'

const { raw } = String

/** A record of ours, not a value of some other program. */
const hold = raw`'^[^\n]+\n%d+\n[^\n]*\n{'`

/**
 * For a request that does not wait: the one that most keys ever see, with no more than it needs, since each key and argument
 * costs both sides. Needs `main`, `tokenKey`, `mark`, `ttl`, `tokenTtl`, `tail`. Gives what acquireMutex gives; nothing where
 * the case is a rare one that acquireMutex has to look at; 0 if SET … GET is not to be had.
 */
export const acquireOnce: string = raw`
${readClock}
if redis.call('SET', main, mark .. token .. '\n' .. tail, 'PX', ttl, 'NX') then
  local last = redis.pcall('SET', tokenKey, token, 'PX', tokenTtl, 'GET')
  if not last or #last == #token and last < token then return token end
  redis.call('DEL', main)
  if type(last) == 'table' then return 0 end
  redis.call('SET', tokenKey, last, 'PX', tokenTtl)
  return
end
local value = redis.pcall('GET', main)
if type(value) ~= 'string' or string.find(value, mark, 1, true) == 1 then return end
return {redis.call('PTTL', main), value}`

/**
 * Needs `mark`, `ttl`, `tokenTtl`, `tail`, `queueMs`, `turns`, `heard`. A token, or { ms until it is free, record, place in the queue
 * if it has one }, or { '#limit', its limit }.
 *
 * A mutex is a string (record.ts). SET comes before GET: most keys are free, and a replica says that it is one in place of
 * what it last heard. Whoever holds without saying so will promote nobody: their waiters keep their place, and are not told it.
 */
export const acquireMutex: string = raw`
${readClock}
if redis.call('SET', main, mark .. token .. '\n' .. tail, 'PX', ttl, 'NX') then
  ${rememberToken("redis.call('DEL', main)")}
  if not marked then
    if behind then redis.call('SET', main, mark .. token .. '\n' .. tail, 'PX', ttl) end
    return token
  end
  redis.call('DEL', main)
end
local value = redis.pcall('GET', main)
if queueMs == '0' and type(value) == 'string' and string.find(value, mark, 1, true) ~= 1 then
  return {redis.call('PTTL', main), value}
end
${readMillis}
${readOwner}
${enteringTools}
if not value then
  ${leavingTools}
  if redis.call('EXISTS', queue) == 1 then
    if queueMs ~= '0' then stand(owner, queueMs, ttl, tokenTtl, turns, '1', '1', heard, tail) end
    promote(owner)
    value = redis.pcall('GET', main)
  end
  if not value then return (grant(owner, ttl, tokenTtl, turns, '1', '1', tail, 0, '')) end
end
if type(value) ~= 'string' then
  local limit = redis.pcall('HGET', main, '#limit')
  if type(limit) == 'string' then return {'#limit', limit} end
  value = ''
end
local leftMs = redis.call('PTTL', main)
if string.find(value, mark, 1, true) == 1 then
  local token = string.match(value, '^[^\n]*\n(%d+)')
  if leftMs < tonumber(ttl) then redis.call('PEXPIRE', main, ttl) end
  ${tokenTools}
  keepToken(token, tokenTtl, turns)
  return token
end
if queueMs == '0' then return {leftMs, value} end
local before = stand(owner, queueMs, ttl, tokenTtl, turns, '1', '1', heard, tail)
if not string.find(value, ${hold}) then
  flag(tokenTtl)
  return {leftMs, value}
end
flag(tokenTtl, value)
return {leftMs, value, before}`

/**
 * As acquireMutex; needs `limit` and `permits` too, and may give { '#permits', the limit by now, `permits` }. A writer, who takes
 * all, has to wait for the longest lease.
 */
export const acquirePool: string = raw`
${readNow}
${readOwner}
${queueTools}
local pool = redis.pcall('HMGET', main, '#limit', '#used')
local stored = pool[1]
if pool.err or not stored and redis.call('EXISTS', main) == 1 then
  local value = redis.pcall('GET', main)
  if type(value) == 'string' and string.find(value, ${hold}) then return {'#limit', '1'} end
  if queueMs ~= '0' then
    stand(owner, queueMs, ttl, tokenTtl, turns, limit, permits, heard, tail)
    flag(tokenTtl)
  end
  return {redis.call('PTTL', main), ''}
end
local taken = tonumber(pool[2] or 0) or 0
if not stored then
  redis.call('DEL', leases)
elseif drop() then
  taken = tonumber(redis.call('HGET', main, '#used')) or 0
end
local asked = limit
limit = meant(asked, stored)
if taken > 0 and stored ~= limit then return {'#limit', stored} end
if tonumber(permits) > tonumber(limit) then return {'#permits', limit, permits} end
local function mine()
  local field, ends = lease(owner)
  if not field or ends < now then return nil, field end
  local had, token = string.match(field, '^(%d+)\n[^\n]*\n(%d+)')
  if ends < now + ttl then
    redis.call('ZADD', leases, now + ttl, owner)
    prolong()
  end
  keepToken(token, tokenTtl, turns)
  if had - permits > 0 then
    redis.call('HSET', main, owner, (string.gsub(field, '^%d+', permits)))
    redis.call('HINCRBY', main, '#used', permits - had)
    pcall(promote)
  end
  return token
end
local held, over = mine()
if held then return held end
if over then
  remove({owner})
  taken = tonumber(redis.call('HGET', main, '#used'))
end
local place
local full = taken + permits > tonumber(limit)
if redis.call('EXISTS', queue) == 1 then
  if queueMs ~= '0' then place = stand(owner, queueMs, ttl, tokenTtl, turns, asked, permits, heard, tail) end
  if taken < tonumber(limit) then
    promote(owner)
    held = mine()
    if held then return held end
    taken = used(asked)
    full = head() ~= nil or not taken or taken + permits > tonumber(limit)
  end
elseif full and queueMs ~= '0' then
  place = stand(owner, queueMs, ttl, tokenTtl, turns, asked, permits, heard, tail)
end
if full then
  if queueMs ~= '0' then flag(tokenTtl) end
  local first = redis.call('ZRANGE', leases, 0, 0, 'WITHSCORES')
  local record = string.match(first[1] and redis.call('HGET', main, first[1]) or '', '^%d+\n(.*)$')
  local leftMs = math.max(0, (first[2] or now) - now)
  if permits == limit and not more then leftMs = redis.call('PTTL', main) end
  return {leftMs, record or '', place}
end
${rememberToken('')}
redis.call('HSET', main, '#limit', limit, '#used', taken + permits,
  owner, permits .. '\n' .. mark .. token .. '\n' .. tail)
redis.call('ZADD', leases, now + ttl, owner)
prolong()
return token`
