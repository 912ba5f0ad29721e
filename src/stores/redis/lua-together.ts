import { acquireMutex, acquirePool } from './lua-acquire.js'
import { readNow } from './lua-clock.js'
import { placeTools } from './lua-queue.js'

const { raw } = String

/** Arguments of each request: mark, ttl, tokenTtl, tail, queueMs, turns, heard, limit, permits. */
export const argsOfEach = 9
/** Names of each request: those of keysOf. */
export const namesOfEach = 5

/**
 * Many requests in one call, each with an answer of its own, which is that of its script, or { '#failed' }: an error of one
 * spoils no other. ARGV[1] is where the names stand: 'KEYS', or behind the arguments. Only on a Cluster do they stand there,
 * whose servers take KEYS of one slot only; all of them are in slots of this server, or fail.
 *
 * Most come from those who stand in a queue already, behind a holder who says so: `stay` renews their place in 6 calls.
 */
export const acquireTogether: string = raw`
${readNow}
local main, tokenKey, leases, queue, waiters
local names, first = KEYS, 0
local requests = #KEYS / ${namesOfEach}
if ARGV[1] ~= 'KEYS' then
  requests = (#ARGV - 1) / ${argsOfEach + namesOfEach}
  names, first = ARGV, 1 + requests * ${argsOfEach}
end
${placeTools}
local hears = {}
local function stay(mark, ttl, tokenTtl, tail, queueMs, turns, heard, limit, permits)
  local value = limit == '1' and queueMs ~= '0' and redis.pcall('GET', main)
  if type(value) ~= 'string' or string.byte(value, -1) ~= 10 or string.find(value, mark, 1, true) == 1 then return end
  local owner = string.sub(mark, 1, -2)
  local place = redis.pcall('LPOS', queue, owner)
  if type(place) ~= 'number' then return end
  if heard ~= '1' then
    local channel = wayTo(tail)
    hears[channel] = hears[channel] or isHeard(tail)
    heard = hears[channel]
  end
  keep(owner, queueMs, ttl, tokenTtl, turns, limit, permits, heard, tail)
  outlast(queueMs)
  return {redis.call('PTTL', main), value, place}
end
local function acquireMutex(mark, ttl, tokenTtl, tail, queueMs, turns, heard) ${acquireMutex}
end
local function acquirePool(mark, ttl, tokenTtl, tail, queueMs, turns, heard, limit, permits) ${acquirePool}
end
local function acquire(...)
  local limit = select(8, ...)
  return stay(...) or (limit == '1' and acquireMutex or acquirePool)(...)
end
local replies = {}
for request = 1, requests do
  local name = first + (request - 1) * ${namesOfEach}
  main, tokenKey, leases, queue, waiters = unpack(names, name + 1, name + ${namesOfEach})
  local arg = 2 + (request - 1) * ${argsOfEach}
  local done, reply = pcall(acquire, unpack(ARGV, arg, arg + ${argsOfEach - 1}))
  if not done or not reply or type(reply) == 'table' and reply.err then reply = {'#failed'} end
  replies[request] = reply
end
return replies`
