import { createHash } from 'node:crypto'
import { acquireMutex, acquireOnce, acquirePool } from './lua-acquire.js'
import { acquireAll } from './lua-acquire-all.js'
import { adoptMutex, adoptPool } from './lua-adopt.js'
import { acquireTogether } from './lua-together.js'
import { deleteValue, getValue, setValue } from './lua-values.js'
import { forceRelease, inspect, release, renew, resize, wasRevoked } from './lua-holds.js'

/** A constant script: all that varies comes in as KEYS and ARGV. */
export interface Script {
  readonly text: string
  readonly sha: string
}

const { raw } = String

const keys = 'local main, tokenKey, leases, queue, waiters = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]\n'

/** Where somebody waits, the next stands in the queue before the head is granted the key: fewer calls than one after the other. */
const handoffMutex = raw`${keys}
local nextMark, ttl, tokenTtl, tail, queueMs, turns, heard = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local nextOwner = string.sub(nextMark, 1, -2)
local before
local function enter(stand)
  if queueMs == '0' then return end
  before = stand(nextOwner, queueMs, ttl, tokenTtl, turns, '1', '1', heard, tail)
end
local function release(mark, quiet) ${release}
end
local function acquire(mark) ${acquireMutex}
end
local released, leaseMs, record = release(ARGV[1], nextOwner)
if before and record and string.find(record, nextMark, 1, true) ~= 1 then
  return {released, {leaseMs, record, math.max(0, before - 1)}}
end
return {released, acquire(nextMark)}`

const handoffPool = raw`${keys}
local enter = nil
local function release(mark, quiet) ${release}
end
local function acquire(mark, ttl, tokenTtl, tail, queueMs, turns, heard, limit, permits) ${acquirePool}
end
local released = release(ARGV[1], string.sub(ARGV[2], 1, -2))
return {released, acquire(ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10])}`

const mutexWish = raw`${keys}
local mark, ttl, tokenTtl, tail, queueMs, turns, heard = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]`

const poolWish = raw`${mutexWish}
local limit, permits = ARGV[8], ARGV[9]`

export interface Scripts {
  readonly acquireOnce: Script
  readonly acquireMutex: Script
  readonly acquirePool: Script
  readonly adoptMutex: Script
  readonly adoptPool: Script
  readonly acquireTogether: Script
  readonly acquireAll: Script
  readonly renew: Script
  readonly release: Script
  readonly handoffMutex: Script
  readonly handoffPool: Script
  readonly inspect: Script
  readonly forceRelease: Script
  readonly wasRevoked: Script
  readonly resize: Script
}

export const scripts: Scripts = {
  acquireOnce: script(
    raw`local main, tokenKey, mark, ttl, tokenTtl, tail = KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3], ARGV[4]${acquireOnce}`,
  ),
  acquireMutex: script(mutexWish + acquireMutex),
  acquirePool: script(poolWish + acquirePool),
  adoptMutex: script(raw`${mutexWish}
local from = ARGV[8]
${adoptMutex}
${acquireMutex}`),
  adoptPool: script(raw`${poolWish}
local from = ARGV[10]
local function adopt() ${adoptPool}
end
local refused = adopt()
if refused then return refused end
${acquirePool}`),
  acquireTogether: script(acquireTogether),
  acquireAll: script(acquireAll),
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
  resize: script(raw`${keys}
local from, to = ARGV[1], ARGV[2]${resize}`),
}

/** Those of the values, which have no queue, no owner and no notice. */
export const valueScripts: Readonly<Record<'getValue' | 'setValue' | 'deleteValue', Script>> = {
  getValue: script(raw`local value = KEYS[1]${getValue}`),
  setValue: script(
    raw`local value, tokenKey, token, text, lastsMs = KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3]${setValue}`,
  ),
  deleteValue: script(raw`local value, tokenKey, tokenTtl = KEYS[1], KEYS[2], ARGV[1]${deleteValue}`),
}

function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}
