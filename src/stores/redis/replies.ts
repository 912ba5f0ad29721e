import { InvalidOptionError } from '../../core/errors.js'
import type { Answer, AnswerToAll, Handoff, HolderRecord, KeyRecord, WaiterRecord } from '../../core/store.js'
import { badReply } from './failure.js'
import { readHold, readTail } from './record.js'

// The scripts' replies. A client can be set to give numbers as text or bigint, and text as Buffers.

/** @throws StoreError, InvalidOptionError when the key has another limit */
export function readAnswer(operation: string, reply: unknown, limit: number): Answer {
  const list = listOf(reply)
  if (list === undefined) return { granted: true, token: whole(operation, reply, 1) }
  const [first, second, third] = list
  if (list.length < 2 || list.length > 3) throw badReply(operation)
  if (textOf(first) === '#limit') {
    const stored = whole(operation, second, 1)
    throw disagreeing(limit, stored)
  }
  if (textOf(first) === '#permits') {
    const [now, asked] = [whole(operation, second, 1), whole(operation, third, 1)]
    throw new InvalidOptionError(
      `A request for ${asked} permits can never be granted: the key was resized to ${now}. Ask for fewer, or resize it again.`,
    )
  }
  const leftMs = whole(operation, first, -2)
  const holder = readHold(textOf(second))?.holder
  return {
    granted: false,
    ...(leftMs >= 0 && { freeInMs: leftMs }),
    ...(third !== undefined && { position: whole(operation, third, 0) }),
    ...(holder !== undefined && { holder }),
  }
}

/** undefined: somebody stands in a queue. @throws StoreError, InvalidOptionError when a key has another limit */
export function readAnswerToAll(reply: unknown, requests: number): AnswerToAll | undefined {
  if (reply === null) return undefined
  const [first, ...rest] = listOf(reply) ?? []
  const number = whole('acquire', first, 0)
  if (number === 0) {
    if (rest.length !== requests) throw badReply('acquire')
    return { granted: true, tokens: rest.map((token) => whole('acquire', token, 1)) }
  }
  const answer = readAnswer('acquire', rest, 1)
  if (answer.granted || number > requests) throw badReply('acquire')
  return { ...answer, index: number - 1 }
}

/** @throws StoreError, InvalidOptionError when the key has another limit */
export function readResized(reply: unknown, from: number): void {
  const [first, stored] = listOf(reply) ?? []
  if (textOf(first) === '#limit') throw disagreeing(from, whole('resize', stored, 1))
  readBoolean('resize', reply)
}

function disagreeing(limit: number, stored: number): InvalidOptionError {
  return new InvalidOptionError(
    `The limit of ${limit} does not agree with those who hold the key now: they gave it a limit of ${stored}.`,
  )
}

/** @throws StoreError, InvalidOptionError when the key has another limit */
export function readHandoff(reply: unknown, limit: number): Handoff {
  const [released, answer] = listOf(reply) ?? []
  return { released: readBoolean('release', released), next: readAnswer('release', answer, limit) }
}

/** @throws StoreError */
export function readBoolean(operation: string, reply: unknown): boolean {
  const number = whole(operation, reply, 0)
  if (number > 1) throw badReply(operation)
  return number === 1
}

/** @throws StoreError */
export function readInspection(key: string, reply: unknown): KeyRecord | undefined {
  if (reply === null) return undefined
  const [limit, held, waiting] = listOf(reply) ?? []
  const holders = partsOf('inspect', held, 3).map(readHolder)
  const waiters = partsOf('inspect', waiting, 2).map(readWaiter)
  if (holders.length + waiters.length === 0) throw badReply('inspect')
  return { key, limit: whole('inspect', limit, 1), holders, waiters }
}

/** @throws StoreError */
export function readRevoked(reply: unknown): { revoked: boolean; ownOwners: readonly string[] } {
  const [revoked, ...owners] = listOf(reply) ?? []
  return {
    revoked: readBoolean('forceRelease', revoked),
    ownOwners: owners.map(textOf).filter((owner) => owner !== ''),
  }
}

/** A program that does not say who it is gets a record too, with nothing in it: the key is held, after all. */
function readHolder([left, permits, record]: readonly unknown[]): HolderRecord {
  const leftMs = whole('inspect', left, -2)
  const { owner, token, holder } = readHold(textOf(record)) ?? unknownHold
  return {
    ...holder,
    owner,
    token,
    permits: whole('inspect', permits, 1),
    remainingMs: leftMs >= 0 ? leftMs : undefined,
  }
}

function readWaiter([owner, tail]: readonly unknown[]): WaiterRecord {
  return { ...(readTail(textOf(tail)) ?? unknownHold.holder), owner: textOf(owner) }
}

const unknownHold = { owner: '', token: 0, holder: { host: '', pid: 0, label: undefined, since: 0 } }

function listOf(reply: unknown): readonly unknown[] | undefined {
  return Array.isArray(reply) ? reply : undefined
}

/** A list in parts of `size`. @throws StoreError */
function partsOf(operation: string, value: unknown, size: number): (readonly unknown[])[] {
  const list = listOf(value)
  if (list === undefined || list.length % size !== 0) throw badReply(operation)
  return Array.from({ length: list.length / size }, (_, at) => list.slice(at * size, (at + 1) * size))
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : value instanceof Uint8Array ? Buffer.from(value).toString() : ''
}

/** @throws StoreError */
export function whole(operation: string, value: unknown, least: number): number {
  const isNumber = typeof value === 'number' || typeof value === 'bigint'
  const text = isNumber ? '' : textOf(value)
  const number = isNumber ? Number(value) : /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(number) || number < least) throw badReply(operation)
  return number
}
