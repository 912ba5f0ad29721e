/** What is kept beside the key itself: the last token, the leases of several holders, who waits and for what, the owners that were released by force; a value. */
export type AuxKind = 'token' | 'leases' | 'queue' | 'waiters' | 'revoked' | 'value'

/**
 * Name of a key that belongs to `key`. Redis Cluster runs a script only if all its keys are in one slot, and takes the
 * slot from what stands between the first `{` and the next `}`, or from the whole name if that is nothing:
 *
 *     holdfast:a        → {holdfast:a}:token                 the whole name becomes the tag
 *     holdfast:{u7}:a   → {u7}:token:holdfast:{u7}:a         the same tag
 *     holdfast:a}{b     → {1am}:token:holdfast:a}{b          a short tag that happens to have the same slot
 *
 * No two keys share a name: each form shows the key and can be told from the others. `keyPrefix` is what the user's
 * client puts before every name by itself; it counts for the slot.
 */
export function auxKey(key: string, kind: AuxKind, keyPrefix: string): string {
  const [start, end] = auxParts(key, keyPrefix)
  return start + kind + end
}

/** The key itself, then what stands beside it: all that a script may touch. */
export function keysOf(key: string, keyPrefix: string): readonly string[] {
  const [start, end] = auxParts(key, keyPrefix)
  return [key, `${start}token${end}`, `${start}leases${end}`, `${start}queue${end}`, `${start}waiters${end}`]
}

/**
 * Name of the sharded channel on which the process of `wakeId` is told of grants of `key`: in the slot of the key, which is
 * all that a script may reach. The scripts make the same name of the token's key.
 */
export function shardChannel(key: string, keyPrefix: string, wakeId: string): string {
  const [tag = ''] = /\{[^}]*\}/.exec(keyPrefix + auxKey(key, 'token', keyPrefix)) ?? []
  return `holdfast:${tag}${wakeId}`
}

function auxParts(key: string, keyPrefix: string): [start: string, end: string] {
  const full = keyPrefix + key
  const open = full.indexOf('{')
  if (open === -1 && !full.includes('}')) return [`{${full}}:`, '']
  return [`{${tagAt(full, open) ?? tagOfSlot(slotOf(full))}}:`, `:${key}`]
}

/** Whether `name` is the name that {@link auxKey} gives to something. */
export function isAuxKey(name: string, keyPrefix: string): boolean {
  const [, tag, kind, key] = auxForm.exec(name) ?? []
  if (tag === undefined || kind === undefined) return false
  if (key === undefined && !tag.startsWith(keyPrefix)) return false
  return auxKey(key ?? tag.slice(keyPrefix.length), kind as AuxKind, keyPrefix) === name
}

/** The part of a name that decides its slot, when it is not the whole name. */
export function hashTag(name: string): string | undefined {
  return tagAt(name, name.indexOf('{'))
}

/** Redis Cluster's slot of a name: CRC16 (XMODEM) of its tag, modulo 16384. */
export function slotOf(name: string): number {
  let crc = 0
  for (const byte of Buffer.from(hashTag(name) ?? name)) crc = step(crc, byte)
  return crc % slots
}

const slots = 16_384
const auxForm = /^\{([^}]+)\}:(token|leases|queue|waiters|revoked|value)(?::([^]*))?$/

function tagAt(name: string, open: number): string | undefined {
  if (open === -1) return undefined
  const close = name.indexOf('}', open + 1)
  return close > open + 1 ? name.slice(open + 1, close) : undefined
}

let tags: (string | undefined)[] | undefined

/** The same on every client and for ever: the first number, in base 36, whose slot it is. */
function tagOfSlot(slot: number): string {
  tags ??= findTags()
  return tags[slot] ?? ''
}

/** Takes 5 ms, once, and only where a key has stray braces. */
function findTags(): (string | undefined)[] {
  const found = new Array<string | undefined>(slots).fill(undefined)
  for (let number = 0, missing = slots; missing > 0; number++) {
    const tag = number.toString(36)
    let crc = 0
    for (let at = 0; at < tag.length; at++) crc = step(crc, tag.charCodeAt(at))
    if (found[crc % slots] !== undefined) continue
    found[crc % slots] = tag
    missing--
  }
  return found
}

const crcs: readonly number[] = Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1
  return crc & 0xffff
})

function step(crc: number, byte: number): number {
  return ((crc << 8) & 0xffff) ^ (crcs[(crc >> 8) ^ byte] ?? 0)
}
