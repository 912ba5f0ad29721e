import { readClock, readNow, readOwner } from './lua-clock.js'
import { queueTools } from './lua-queue.js'
import { tokenTools } from './lua-token.js'

const { raw } = String

// The hold of one owner becomes that of another, who is granted it then as an owner that asks again: `acquire` does the rest. Where
// neither holds the request is refused, so that a hold is adopted once. Need `mark`, `ttl`, `tokenTtl`, `tail`, `turns`, and
// `from`, the mark of the owner who gave it away. Who waits goes on waiting.

export const adoptMutex: string = raw`
local value = redis.pcall('GET', main)
if not value then return {0, ''} end
if type(value) == 'string' and string.find(value, mark, 1, true) ~= 1 then
  if string.find(value, from, 1, true) ~= 1 then return {redis.call('PTTL', main), value} end
  ${readClock}
  ${tokenTools}
  local marker = string.byte(value, -1) == 10 and '\n' or ''
  local granted = nextToken(tokenTtl, turns, marker)
  redis.call('SET', main, mark .. granted .. '\n' .. tail .. marker, 'PX', ttl)
  return granted
end`

/** Needs `limit` too. */
export const adoptPool: string = raw`
${readNow}
${readOwner}
${queueTools}
local own, ownEnds = lease(owner)
if not own or ownEnds < now then
  local giver = string.sub(from, 1, -2)
  local field, ends = lease(giver)
  if not field or ends < now or redis.call('HGET', main, '#limit') ~= limit then
    return {math.max(0, redis.call('PTTL', main)), ''}
  end
  if own then remove({owner}) end
  local marker = redis.call('EXISTS', queue) == 1 and '\n' or ''
  local granted = nextToken(tokenTtl, turns, marker)
  redis.call('HDEL', main, giver)
  redis.call('ZREM', leases, giver)
  redis.call('HSET', main, owner, string.match(field, '^%d+') .. '\n' .. mark .. granted .. '\n' .. tail)
  redis.call('ZADD', leases, ends, owner)
end`
