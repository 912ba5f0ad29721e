import { largestToken, readClock } from './lua-clock.js'

const { raw } = String

/** Names of each key, of those of keysOf: the key, its token, its queue. */
export const namesOfAll: readonly number[] = [0, 1, 3]
/** Arguments of each request: mark, ttl, tokenTtl, tail. */
export const argsOfAll = 4

/**
 * Mutexes, all or none: nothing is written before it is known that all are free, or held by who asks. { 0, token … }, or, for the
 * first that is not free, { its number, ms until it is free, record }, or { its number, '#limit', its limit }. Nothing where somebody
 * stands in a queue: whoever comes next has to promote them.
 */
export const acquireAll: string = raw`
${readClock}
local own, last = {}, {}
local requests = #KEYS / ${namesOfAll.length}
local function partsOf(request)
  local name, arg = (request - 1) * ${namesOfAll.length}, (request - 1) * ${argsOfAll}
  return KEYS[name + 1], KEYS[name + 2], KEYS[name + 3], unpack(ARGV, arg + 1, arg + ${argsOfAll})
end
for request = 1, requests do
  local main, tokenKey, queue, mark = partsOf(request)
  local value = redis.pcall('GET', main)
  if type(value) == 'string' and string.find(value, mark, 1, true) == 1 then
    own[request] = string.match(value, '^[^\n]*\n(%d+)')
  elseif value then
    if type(value) == 'string' then return {request, redis.call('PTTL', main), value} end
    local limit = redis.pcall('HGET', main, '#limit')
    if type(limit) == 'string' then return {request, '#limit', limit} end
    return {request, redis.call('PTTL', main), ''}
  end
  last[request] = redis.pcall('GET', tokenKey)
  if type(last[request]) == 'table' then return last[request] end
  if not own[request] and last[request] and string.byte(last[request], -1) == 10 and redis.call('EXISTS', queue) == 1 then return end
end
local reply = {0}
for request = 1, requests do
  local main, tokenKey, _, mark, ttl, tokenTtl, tail = partsOf(request)
  if own[request] then
    reply[request + 1] = own[request]
    if redis.call('PTTL', main) < tonumber(ttl) then redis.call('PEXPIRE', main, ttl) end
    redis.call('PEXPIRE', tokenKey, tokenTtl)
  else
    local granted, before = token, tonumber(last[request])
    if before and before >= tonumber(token) and before < ${largestToken} then granted = string.format('%d', before + 1) end
    reply[request + 1] = granted
    redis.call('SET', main, mark .. granted .. '\n' .. tail, 'PX', ttl)
    redis.call('SET', tokenKey, granted, 'PX', tokenTtl)
  end
end
return reply`
