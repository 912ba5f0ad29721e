import { describe, expect, test } from 'vitest'
import type { Notice } from '../../src/core/store.js'
import type { Driver, Shards, Subscriber } from '../../src/stores/redis/client.js'
import { Notices } from '../../src/stores/redis/notices.js'
import { type VirtualEnv, virtualEnv } from '../../src/testing/virtual-env.js'
import { emptyDriver, fleetOf } from './fleet.js'

// notices.test.ts and queue.test.ts show the same on real servers; here it is time that counts, and the order of what happens.

interface Line {
  channel: string | undefined
  isClosed: boolean
  deliver: (text: string) => void
  lose(): void
}

/** `answer`: what an opening waits for, or rejects with. Pauses are as long as they get. */
function start({ shardsOf }: { shardsOf?: (env: VirtualEnv) => Shards } = {}) {
  const env = Object.assign(virtualEnv(), { random: () => 0 })
  const lines: Line[] = []
  const triedAtMs: number[] = []
  const server = { answer: (): Promise<void> => Promise.resolve() }
  const subscriber = async (onLost: () => void): Promise<Subscriber> => {
    const line: Line = { channel: undefined, isClosed: false, deliver: () => undefined, lose: onLost }
    lines.push(line)
    triedAtMs.push(env.nowMs())
    return {
      open: async (channel, onMessage) => {
        await server.answer()
        Object.assign(line, { channel, deliver: onMessage })
      },
      close: () => void (line.isClosed = true),
    }
  }
  const driver: Driver = { ...emptyDriver, subscriber }
  const shards = shardsOf?.(env)
  const notices = new Notices({ env, wakeId: 'wake', keyPrefix: 'app:', driver: () => Promise.resolve(driver), shards })
  const told: Notice[] = []
  const listen = (): (() => void) => notices.listen((notice) => told.push(notice))
  return { env, lines, triedAtMs, server, notices, told, listen }
}

const never = (): Promise<void> => new Promise(() => undefined)
const failing = (): Promise<void> => Promise.reject(new Error('no'))
const resync = { type: 'resync' }

describe('the connection for notices', () => {
  test('is opened for who listens, when a hold has lasted for 50 ms', async () => {
    const { env, lines, notices, told, listen } = start()
    notices.granted('nobody listens')
    expect(env.pendingTimers).toBe(0)
    listen()
    for (let turn = 0; turn < 40; turn++) {
      notices.granted('short')
      await env.advance(45)
      notices.ended('short')
      await env.advance(5)
    }
    expect(lines).toEqual([])
    await env.advance(50)
    expect(env.pendingTimers).toBe(0)
    notices.granted('first')
    await env.advance(20)
    notices.granted('second')
    notices.ended('first')
    await env.advance(49)
    expect(lines).toEqual([])
    expect(env.keepAliveTimers).toBe(0)
    await env.advance(1)
    expect(lines).toMatchObject([{ channel: 'holdfast:wake', isClosed: false }])
    expect(told).toEqual([resync])
    notices.granted('third')
    expect(env.pendingTimers).toBe(0)
  })

  test('is opened at once for who waits, and once', async () => {
    const { env, lines, notices, listen } = start()
    listen()
    notices.granted('young')
    notices.wantWay('key')
    notices.want()
    expect(notices.wayTo('key')).toBeUndefined()
    expect(env.pendingTimers).toBe(0)
    await env.advance(100)
    expect(lines).toHaveLength(1)
    expect(notices.wayTo('key')).toBe('channel')
  })

  test('is tried again after a failure, soon and then ever less often, and soon again after a success', async () => {
    const { env, triedAtMs, server, lines, notices, told, listen } = start()
    listen()
    server.answer = failing
    notices.want()
    await env.advance(25_000)
    const pauses = triedAtMs.slice(1).map((atMs, index) => atMs - (triedAtMs[index] ?? 0))
    expect(pauses).toEqual([50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000])
    expect(lines.slice(0, -1).every(({ isClosed }) => isClosed)).toBe(true)
    expect(env.keepAliveTimers).toBe(0)
    server.answer = () => Promise.resolve()
    await env.advance(5_000)
    expect([notices.wayTo('key'), told]).toEqual(['channel', [resync]])
    const triesBefore = triedAtMs.length
    lines.at(-1)?.lose()
    expect(notices.wayTo('key')).toBeUndefined()
    expect(lines.at(-1)?.isClosed).toBe(true)
    await env.advance(49)
    expect(triedAtMs).toHaveLength(triesBefore)
    await env.advance(1)
    expect([notices.wayTo('key'), told]).toEqual(['channel', [resync, resync]])
  })

  test('is waited for until it is open, or for as long as patience lasts; after a failure not at all', async () => {
    const { env, server, lines, notices } = start()
    expect(await notices.wayOpened('key', 1_000)).toBe(true)
    expect(await notices.wayOpened('key', 1_000)).toBe(true)
    expect(env.pendingTimers).toBe(0)
    server.answer = failing
    lines[0]?.lose()
    expect(await notices.wayOpened('key', 1_000)).toBe(false)
    notices.stop()
    expect(await notices.wayOpened('key', 1_000)).toBe(false)
    notices.stop()
    server.answer = never
    const answers: boolean[] = []
    const ask = (): Promise<void> => {
      void notices.wayOpened('key', 1_000).then((isOpen) => answers.push(isOpen))
      return env.advance(0)
    }
    await ask()
    expect(env.keepAliveTimers).toBe(1)
    await env.advance(999)
    expect(answers).toEqual([])
    await env.advance(1)
    expect(answers).toEqual([false])
    await ask()
    expect(answers).toEqual([false, false])
    notices.stop()
    await ask()
    expect(env.keepAliveTimers).toBe(1)
    notices.stop()
    await env.advance(0)
    expect([answers, env.pendingTimers]).toEqual([[false, false, false], 0])
    notices.close()
    expect(await notices.wayOpened('key', 1_000)).toBe(false)
    expect(env.pendingTimers).toBe(0)
  })

  test('stays while anybody listens, and is closed with the last', async () => {
    const { env, lines, notices, told, listen } = start()
    const [one, two] = [listen(), listen()]
    notices.want()
    await env.advance(0)
    expect(told).toEqual([resync, resync])
    one()
    notices.emit({ type: 'resync' })
    expect([told.length, lines[0]?.isClosed]).toEqual([3, false])
    two()
    expect([lines[0]?.isClosed, notices.wayTo('key')]).toEqual([true, undefined])
    notices.granted('nobody listens')
    expect(env.pendingTimers).toBe(0)
    listen()
    notices.granted('young')
    expect(env.pendingTimers).toBe(1)
    notices.stop()
    expect(env.pendingTimers).toBe(0)
    notices.granted('younger')
    await env.advance(50)
    expect(lines).toHaveLength(2)
  })

  test('says nothing when the end came first, and is not tried again', async () => {
    for (const ending of ['opens', 'fails'] as const) {
      const { env, server, lines, notices, told, listen } = start()
      listen()
      let settle = { opens: (): void => undefined, fails: (): void => undefined }
      server.answer = () =>
        new Promise((resolve, reject) => (settle = { opens: resolve, fails: () => reject(new Error('no')) }))
      notices.want()
      await env.advance(0)
      notices.stop()
      expect(lines[0]?.isClosed).toBe(true)
      settle[ending]()
      await env.advance(10_000)
      expect([told, lines.length, env.pendingTimers, notices.wayTo('key')]).toEqual([[], 1, 0, undefined])
    }
  })

  test('is not opened when the end comes before it is made', async () => {
    const { env, lines, notices, told, listen } = start()
    listen()
    notices.want()
    notices.stop()
    await env.advance(10_000)
    expect([told, lines.length, lines[0]?.channel]).toEqual([[], 1, undefined])
  })
})

describe('a message', () => {
  const key = 'a\nkey'

  test('of a grant or a forced release is told, with the key as we know it; any other is not understood', async () => {
    const { env, lines, notices, told, listen } = start()
    notices.want()
    await env.advance(0)
    listen()
    const deliver = (text: string): void => lines[0]?.deliver(text)
    for (const text of [
      '',
      `revoked\nanna`,
      `revoked\nanna\nother:${key}`,
      `granted\nanna\n7\nother:${key}`,
      `granted\nanna\n0\napp:${key}`,
      `granted\nanna\n07\napp:${key}`,
      `granted\nanna\nx\napp:${key}`,
      `granted\n\n7\napp:${key}`,
      `renamed\nanna\napp:${key}`,
      ` revoked\nanna\napp:${key}`,
    ]) {
      deliver(text)
    }
    expect([told, notices.isHeard]).toEqual([[], false])
    deliver(`revoked\nanna\napp:${key}`)
    expect(told).toEqual([{ type: 'revoked', key, owner: 'anna' }])
    expect(notices.isHeard).toBe(false)
    deliver(`granted\nanna\n77\napp:${key}`)
    expect(told.slice(1)).toEqual([{ type: 'granted', key, owner: 'anna', token: 77 }])
  })

  test('of a grant shows for 5 seconds that the server knows our connection, unless it is lost', async () => {
    const { env, lines, notices } = start()
    notices.want()
    await env.advance(0)
    expect(notices.isHeard).toBe(false)
    lines[0]?.deliver('granted\nanna\n77\napp:key')
    await env.advance(4_999)
    expect(notices.isHeard).toBe(true)
    await env.advance(1)
    expect(notices.isHeard).toBe(false)
    lines[0]?.deliver('granted\nanna\n77\napp:key')
    lines[0]?.lose()
    expect(notices.isHeard).toBe(false)
  })
})

describe('on a Cluster', () => {
  const startOnFleet = () => {
    const fleets: ReturnType<typeof fleetOf>[] = []
    const shardsOf = (env: VirtualEnv) => {
      const fleet = fleetOf(env)
      fleets.push(fleet)
      return fleet
    }
    const started = start({ shardsOf })
    const [fleet] = fleets
    if (fleet === undefined) throw new Error('there is one')
    return { ...started, fleet }
  }

  test('grants come by the channel of the key, and what was granted so is old enough after 50 ms', async () => {
    const { env, fleet, lines, notices, told, listen } = startOnFleet()
    listen()
    notices.wantWay('key')
    expect(notices.wayTo('key')).toBeUndefined()
    await env.advance(0)
    expect(notices.wayTo('key')).toBe('shard')
    expect([fleet.lines[0]?.channels, lines]).toEqual([['holdfast:{app:key}wake'], []])
    expect(await notices.wayOpened('other', 1_000)).toBe(true)
    fleet.lines[0]?.deliver('granted\nanna\n77\napp:key')
    expect(told).toEqual([{ type: 'granted', key: 'key', owner: 'anna', token: 77 }])
    await env.advance(50)
    expect(lines).toMatchObject([{ channel: 'holdfast:wake' }])
    for (const line of fleet.lines) line.lose()
    expect(notices.wayTo('key')).toBeUndefined()
    await env.advance(50)
    expect(told.slice(-2)).toEqual([resync, resync])
    notices.stop()
    expect([...fleet.lines, ...lines].every(({ isClosed }) => isClosed)).toBe(true)
    expect(env.pendingTimers).toBe(0)
  })

  test('whose servers know no such channels they come by the one', async () => {
    const { env, fleet, lines, notices } = startOnFleet()
    fleet.answer = () => Promise.reject(new Error("ERR unknown command 'ssubscribe'"))
    expect(await notices.wayOpened('key', 1_000)).toBe(true)
    expect([notices.wayTo('key'), lines.length]).toEqual(['channel', 1])
    notices.stop()
    notices.wantWay('key')
    await env.advance(0)
    expect(lines).toHaveLength(2)
  })

  test('a channel that cannot be opened now is no way', async () => {
    const { fleet, lines, notices } = startOnFleet()
    fleet.answer = failing
    expect(await notices.wayOpened('key', 1_000)).toBe(false)
    expect(notices.wayTo('key')).toBeUndefined()
    expect(lines).toEqual([])
  })
})
