import { types, cost, same, type Reasons } from './reasons.js'

const unknownNode = 'for the moment in which a client has lost sight of its cluster'
const heard = 'only in whose command the queue is looked after: a matter of speed'
const young = 'only when the way for notices is opened: a heartbeat does as well'
const installed = 'both libraries are installed where these tests run; found by a test of drivers, in a process without'
const failover = 'in the way of a failover, whose tests take seconds: they are not run against mutants'

export const redis: Reasons = {
  'redis/address.ts': {
    'a host has brackets at both ends, or none': ['url.hostname.replace('],
  },
  'redis/failure.ts': {
    'with an error come its secrets': ['secrets: readonly string[] = []'],
  },
  'redis/keys.ts': {
    'the tag is the same for all of them': [{ code: "auxKey(key, 'token', keyPrefix)", from: "'token'" }],
    [types]: [
      "const [tag = '']",
      'auxForm.exec(name) ?? []',
      'tag === undefined || kind === undefined',
      "tags[slot] ?? ''",
    ],
    'a saving only: what is not below the prefix is not what auxKey gives': [
      'key === undefined && !tag.startsWith(keyPrefix)',
    ],
    'what it takes apart is put together again, and compared': ['const auxForm ='],
    'it runs once, before any mutant is switched on': ['for (let bit = 0; bit < 8; bit++)'],
    [same]: ['new Array<string | undefined>(slots)'],
  },
  'redis/list.ts': {
    'what cannot be read begins anew as well': ["cursor ?? '0:0'"],
    [unknownNode]: ['if (scanners.length === 0)'],
    'only how large a page is, and how long it takes': ['for (let step = 0; step < maxSteps'],
    'only how many steps it takes': ['count = page.keys.length === 0'],
    [types]: [{ code: "at ?? '0'", from: "'0'" }],
    'node-redis makes text of each by itself': ['Array.isArray(keys) && keys.every'],
  },
  'redis/notices.ts': {
    [young]: [
      { code: 'wantWay(key: string)', to: '{}' },
      { code: 'if (shards === undefined) this.want()', to: 'true' },
    ],
    'one question more, for which there is no way': [{ code: 'isOpen === true', from: 'isOpen === true', to: 'true' }],
    [types]: [
      'messageForm.exec(text) ?? []',
      { code: 'if (granted === undefined || token', from: 'granted === undefined' },
      'this.#subscriber?.close',
    ],
    'only how long it takes until the next try': ['2 ** this.#failures++', 'this.#timer = this.#later(pauseMs'],
    [heard]: ['this.#options.env.nowMs() - this.#heardAtMs', 'get isHeard()'],
  },
  'redis/record.ts': {
    'set before it is read': ["let start = ''"],
    [cost]: [{ code: 'if (last === undefined ||', to: 'true' }],
    'what is undefined is no object, and refused below': ['} catch {'],
    'what is no object has no host, and is refused below': ["typeof parsed !== 'object'"],
    'at the very last millisecond of a Date only': [{ code: 'value <= most', to: 'value < most' }],
    'where a line is missing, what is read in its place is no token or no holder': ['ownerEnd < 1 || tokenEnd === -1'],
  },
  'redis/replies.ts': {
    'what is no list is refused either way': ['listOf(reply) ?? []'],
    [same]: [{ code: 'holder !== undefined && { holder }', to: 'true' }],
    'no text that means anything, either way': [{ code: 'value instanceof Uint8Array', from: "''" }],
    'a number is not read from text': [{ code: "isNumber ? '' : textOf(value)", from: "''" }],
  },
  'redis/store.ts': {
    'for a connection that is lost in the middle of such a call, which says so itself': [
      { code: "throw this.#calls.failure(driver, 'acquire', error)", from: "'acquire'" },
    ],
    'the scripts do not read the permits of a mutex': [{ code: "[...args, '1', '1']", from: "'1'" }],
    [types]: ['this.#keys(key)[at] ?? []'],
    'a request that does not wait asks for no place': ['return queueMs > 0 ? this.#notices.wayTo'],
    [heard]: ['this.#notices.isHeard'],
    'what is not known is asked for once more': ["const isKnown = String(reply) !== '0'"],
    [young]: [
      'if (!renewed) this.#notices.ended',
      'if (answer.granted) this.#notices.granted',
      'if (handoff.next.granted) this.#notices.granted',
      'answer?.granted === true',
      'else if (next.queueMs > 0) this.#notices.wantWay',
    ],
    'only how long the first who waits waits for it': ['const patienceMs = Math.min('],
    'who asks again has a connection': [{ code: 'if (driver instanceof Promise)', to: 'false' }],
    'the first call opens it as well': ['ready(operation: string)'],
    'who asks again is given what it has': [{ code: 'if (answer.granted) return answer', to: 'false' }],
    'the Cluster itself says when they are not in one slot': ['slotOf(keyPrefix + key)'],
  },
  'redis/request.ts': {
    [types]: [{ code: 'ttlMs === null ||', from: 'ttlMs === null' }],
  },
  'redis/silence.ts': {
    'set before it is read': ['#answered = false'],
  },
  'redis/connect.ts': {
    [installed]: [
      { code: 'if (connection !== undefined) return', to: 'true' },
      'no client library for Redis is installed',
      'const library = await found(',
      'if (library === undefined)',
      "|| !('code' in error))",
      'const missing =',
      'if (missing &&',
      '} catch (error) {',
    ],
    [same]: [
      { code: '!== undefined && { username }', to: 'true' },
      { code: '!== undefined && { password }', to: 'true' },
    ],
    'nothing is sent before it is open, or after its end': ['fflineQueue:'],
    'it never connects again, so it sends nothing again': ['autoResendUnfulfilledCommands'],
    'ioredis takes both for: no other try': ['retryStrategy: () => null'],
    'for users with few rights, whose tests take seconds': ['enableReadyCheck: false', 'disableClientInfo: true'],
    'for servers that this machine has not': ["maintNotifications: 'disabled'"],
    'found by the tests of TLS, in processes of their own': ['isIP(host) === 0'],
    'who hears of it has been refused already': [{ code: 'let open = false', to: 'true' }],
    'whether ioredis is seen to have failed at once, or a moment later, is a matter of chance': [
      'if (failure !== undefined || client.status',
    ],
    'what else fails there fails with the next call': [{ code: "startsWith('NOPERM')", from: "'NOPERM'" }],
    'who hears of it has closed it himself': ['open = false'],
    'what it throws, it throws to nobody': [{ code: 'if (client.isOpen) client.destroy()', to: 'true' }],
    'another error follows where it matters': ['if (!open || client.isReady) return'],
  },
  'redis/ioredis.ts': {
    'an empty secret hides nothing': ["secret !== ''"],
    [unknownNode]: [
      "new Error('no node of the cluster is known yet')",
      'that node of the cluster is not known any more',
    ],
    'only how many commands travel together: a matter of speed': ['commands % together'],
    [types]: ['corked?.', "options.host ?? ''", 'cluster.slots?.[slot]'],
    'whether a process ends is seen in one of its own': ["client.on('connect"],
    'what has ended may be ended again': [{ code: "if (client.status !== 'end')", to: 'false' }],
    'nobody hears why: it is tried again': ["throw new Error('the connection was lost')"],
    'who hears of it tries again already': [{ code: 'let isOpen = false', to: 'true' }],
    [failover]: ["for (const event of ['error', 'end', 'moved'])"],
    'saves the server what nobody hears': ['unsubscribe: (channel) =>'],
  },
  'redis/node-redis.ts': {
    'an empty secret hides nothing': ["secret !== ''"],
    [unknownNode]: [
      "new Error('no node of the cluster is known yet')",
      'that node of the cluster is not known any more',
    ],
    [types]: ['cluster.slots?.[slot]', 'cluster.masters?.find', 'const node = master === undefined'],
    'saves the server what nobody hears': ['unsubscribe: (channel) =>'],
  },
  'redis/scripts.ts': {
    'it runs once, before any mutant is switched on': [
      'mutexWish + acquireMutex',
      'poolWish + acquirePool',
      { code: "createHash('sha1')", from: "'sha1'" },
    ],
  },
  'redis/link.ts': {
    [types]: ['this.#connection?.close()'],
    [installed]: ['instanceof MissingDriverError'],
  },
  'redis/values.ts': {
    [types]: ["if (value === 'stale?') throw"],
    'the script reads no argument': [{ code: 'keys: [name], args: [] }', from: '[]' }],
  },
  'redis/together.ts': {
    [unknownNode]: [{ code: 'owner === undefined || this.#refused', from: 'owner === undefined', to: 'false' }],
    'only that it is another one counts': ["'ARGV'"],
    'only that it is the same one counts': ["'the only one'"],
    [cost]: [{ code: 'if (this.#batches.size === 0) process.nextTick', to: 'true' }, 'if (second === undefined)'],
    [types]: ['if (first === undefined) return'],
    'only whether it is tried together again: a matter of speed': [
      'this.#refused = true',
      'function isPassing',
      'READONLY|LOADING|CLUSTERDOWN',
    ],
    'what is no list of replies is asked for alone': [
      'Array.isArray(reply) ? reply : []',
      'if (reply === undefined) return true',
    ],
  },
  'redis/shard-notices.ts': {
    'no error of a server has it further behind': [
      { code: '/^(?:ERR unknown|NOPERM)/', to: '/(?:ERR unknown|NOPERM)/' },
    ],
    'only how long the first who waits waits for it': [{ code: 'if (isOpen) ear.failed = false', from: 'false' }],
    [cost]: ['if (this.#timer === undefined && this.#ears.size > 0)'],
    'what is undefined counts as false': ['const unopened ='],
    'nobody hears why: it is tried again': ["throw new Error('it is not needed any more')"],
    [unknownNode]: ['no node of the cluster is known to have the slot'],
    'of nothing reopened, nothing is told': ['if (reopened.length > 0)', 'const reopened: Promise<boolean>[] ='],
    'only how long it takes until the next try': [
      'this.#failures = 0',
      'this.#open(ear).catch(',
      { code: '() => {', to: '{}' },
    ],
    'at the very microsecond only': ['ear.usedAtMs < idleSinceMs'],
    'saves the server what nobody hears': ['node.subscriber?.unsubscribe'],
    [failover]: [
      'ownerOf(ear.slot) !== ear.node?.owner',
      'if (ear.node !== node) return',
      'if (ear.node === node) {',
      'this.#ears.get(ear.channel)?.node !== node',
      'if (node !== undefined && ear.node !== node) return',
      '#move(ear: Ear)',
      'settle(ear, false)',

      'wasOpen && ear.isOpen',

      'const closed = new Promise',
      "reject(new Error('the connection was closed'))",
      'if (node === undefined) return',
      'if (node.ears.size === 0)',
    ],
  },
}
