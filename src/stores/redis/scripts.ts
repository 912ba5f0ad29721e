import { createHash } from 'node:crypto'
import { acquireMutex, acquirePool, forceRelease, inspect, release, renew, wasRevoked } from './lua.js'

/** A constant script: all that varies comes in as KEYS and ARGV. */
export interface Script {
  readonly text: string
  readonly sha: string
}

const { raw } = String

const handoff = (acquire: string): Script =>
  script(raw`
local main, tokenKey, leases = KEYS[1], KEYS[2], KEYS[3]
local function release(mark) ${release}
end
local function acquire(mark, ttl, tokenTtl, tail, limit, permits) ${acquire}
end
return {release(ARGV[1]), acquire(ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7])}`)

export interface Scripts {
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
  acquireMutex: script(raw`local main, tokenKey = KEYS[1], KEYS[2]
local mark, ttl, tokenTtl, tail = ARGV[1], ARGV[2], ARGV[3], ARGV[4]${acquireMutex}`),
  acquirePool: script(raw`local main, tokenKey, leases = KEYS[1], KEYS[2], KEYS[3]
local mark, ttl, tokenTtl, tail, limit, permits = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]${acquirePool}`),
  renew: script(raw`local main, tokenKey, leases = KEYS[1], KEYS[2], KEYS[3]
local mark, ttl, tokenTtl = ARGV[1], ARGV[2], ARGV[3]${renew}`),
  release: script(raw`local main, leases = KEYS[1], KEYS[2]
local mark = ARGV[1]${release}`),
  handoffMutex: handoff(acquireMutex),
  handoffPool: handoff(acquirePool),
  inspect: script(raw`local main, leases = KEYS[1], KEYS[2]${inspect}`),
  forceRelease: script(raw`local main, leases, revoked = KEYS[1], KEYS[2], KEYS[3]
local wakeId = ARGV[1]${forceRelease}`),
  wasRevoked: script(raw`local revoked = KEYS[1]
local owner = ARGV[1]${wasRevoked}`),
}

function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}
