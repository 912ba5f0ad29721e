import { createHash } from 'node:crypto'
import { acquireMutex, acquireOnce, acquirePool } from './lua-acquire.js'
import { forceRelease, inspect, release, renew, wasRevoked } from './lua-holds.js'

/** A constant script: all that varies comes in as KEYS and ARGV. */
export interface Script {
  readonly text: string
  readonly sha: string
}

const { raw } = String

const keys = 'local main, tokenKey, leases, queue, waiters = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]\n'

/** Where somebody waits, the next stands in the queue before the head is granted the key: fewer calls than one after the other. */
const handoffMutex = raw`${keys}
local nextMark, ttl, tokenTtl, tail, queueMs, turns = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local nextOwner = string.sub(nextMark, 1, -2)
local entered = false
local function enter(stand)
  if queueMs == '0' then return end
  entered = true
  stand(nextOwner, queueMs, ttl, tokenTtl, turns, '1', '1', tail)
end
local function release(mark, quiet) ${release}
end
local function acquire(mark) ${acquireMutex}
end
local released, leaseMs, record = release(ARGV[1], nextOwner)
if entered and record and string.find(record, nextMark, 1, true) ~= 1 then
  return {released, {leaseMs, record, redis.call('ZRANK', queue, nextOwner)}}
end
return {released, acquire(nextMark)}`

const handoffPool = raw`${keys}
local enter = nil
local function release(mark, quiet) ${release}
end
local function acquire(mark, ttl, tokenTtl, tail, queueMs, turns, limit, permits) ${acquirePool}
end
local released = release(ARGV[1], string.sub(ARGV[2], 1, -2))
return {released, acquire(ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9])}`

export interface Scripts {
  readonly acquireOnce: Script
  readonly acquireMutex: Script
  readonly acquirePool: Script
  readonly renew: Script
  readonly release: Script
  readonly handoffMutex: Script
  readonly handoffPool: Script
  readonly inspect: Script
  readonly forceRelease: Script
  readonly wasRevoked: Script
}

export const scripts: Scripts = {
  acquireOnce: script(raw`local main, tokenKey, mark, ttl, tokenTtl, tail = KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3], ARGV[4]${acquireOnce}`),
  acquireMutex: script(raw`${keys}
local mark, ttl, tokenTtl, tail, queueMs, turns = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]${acquireMutex}`),
  acquirePool: script(raw`${keys}
local mark, ttl, tokenTtl, tail, queueMs, turns = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local limit, permits = ARGV[7], ARGV[8]${acquirePool}`),
  renew: script(raw`${keys}
local mark, ttl, tokenTtl = ARGV[1], ARGV[2], ARGV[3]${renew}`),
  release: script(raw`${keys}
local mark, quiet, enter = ARGV[1], nil, nil${release}`),
  handoffMutex: script(handoffMutex),
  handoffPool: script(handoffPool),
  inspect: script(raw`${keys}${inspect}`),
  forceRelease: script(raw`${keys}
local revoked, wakeId = KEYS[6], ARGV[1]${forceRelease}`),
  wasRevoked: script(raw`local revoked = KEYS[1]
local owner = ARGV[1]${wasRevoked}`),
}

function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}
