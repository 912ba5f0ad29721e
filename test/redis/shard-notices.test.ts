import { describe, expect, test } from 'vitest'
import { slotOf } from '../../src/stores/redis/keys.js'
import { ShardNotices } from '../../src/stores/redis/shard-notices.js'
import { virtualEnv } from '../../src/testing/virtual-env.js'
import { fleetOf, ownerAtFirst } from './fleet.js'

// cluster-queue.test.ts shows the same on real servers; here it is time that counts, and the order of what happens.

/** Pauses are as long as they get. */
function start() {
  const env = Object.assign(virtualEnv(), { random: () => 0 })
  const fleet = fleetOf(env)
  const told: string[] = []
  const notices = new ShardNotices({
    env,
    shards: fleet,
    onMessage: (text) => told.push(text),
    onResync: () => told.push('resync'),
  })
  return { env, fleet, told, notices, open: () => fleet.lines.filter(({ isClosed }) => !isClosed) }
}

/** A channel of that master. */
function channelOn(owner: string, name = ''): string {
  for (let number = 0; ; number++) {
    const channel = `holdfast:${name}${number}`
    if (ownerAtFirst(slotOf(channel)) === owner) return channel
  }
}

const [a, b, elsewhere] = [channelOn('one', 'a'), channelOn('one', 'b'), channelOn('two')]
const never = (): Promise<void> => new Promise(() => undefined)
const failing = (text: string) => (): Promise<void> => Promise.reject(new Error(text))

describe('a sharded channel', () => {
  test('is opened once, over one connection to the master that has it', async () => {
    const { env, notices, fleet, told } = start()
    expect(notices.hears(a)).toBe(false)
    for (const channel of [a, a, b, elsewhere]) notices.want(channel)
    expect(notices.hears(a)).toBe(false)
    await env.advance(0)
    expect([a, b, elsewhere].map((channel) => notices.hears(channel))).toEqual([true, true, true])
    expect(fleet.lines).toMatchObject([
      { owner: 'one', channels: [a, b] },
      { owner: 'two', channels: [elsewhere] },
    ])
    fleet.lines[1]?.deliver('text')
    expect(told).toEqual(['text'])
    expect([notices.refused, env.keepAliveTimers]).toEqual([false, 0])
  })

  test('is waited for until it is open', async () => {
    const { env, notices } = start()
    const opened = notices.opened(a, 1_000)
    expect(env.keepAliveTimers).toBe(1)
    expect(await opened).toBe(true)
    expect(env.keepAliveTimers).toBe(0)
    expect(await notices.opened(a, 1_000)).toBe(true)
    expect(env.keepAliveTimers).toBe(0)
  })

  test('is waited for no longer than patience lasts, and after that not at all until it is open', async () => {
    const { env, notices, fleet } = start()
    let answer = (): void => undefined
    fleet.answer = () => new Promise((resolve) => (answer = resolve))
    const answers: boolean[] = []
    void notices.opened(a, 1_000).then((isOpen) => answers.push(isOpen))
    await env.advance(999)
    expect(answers).toEqual([])
    await env.advance(1)
    expect(answers).toEqual([false])
    expect(await notices.opened(a, 1_000)).toBe(false)
    answer()
    await env.advance(0)
    expect(await notices.opened(a, 1_000)).toBe(true)
    fleet.lines[0]?.lose()
    void notices.opened(a, 1_000).then((isOpen) => answers.push(isOpen)) // lost is not failed
    await env.advance(60)
    expect(answers).toEqual([false])
    answer()
    await env.advance(0)
    expect(answers).toEqual([false, true])
  })

  test('is tried again after a failure, soon and then ever less often, until it is open', async () => {
    const { env, notices, fleet, told } = start()
    fleet.answer = failing('CLUSTERDOWN no')
    const startMs = env.nowMs()
    expect(await notices.opened(a, 1_000)).toBe(false)
    expect(await notices.opened(a, 1_000)).toBe(false)
    await env.advance(0)
    for (let use = 0; use < 4; use++) {
      await env.advance(5_000)
      notices.hears(a)
    }
    const pauses = fleet.triedAtMs.map((atMs, index) => atMs - (fleet.triedAtMs[index - 1] ?? startMs))
    expect(pauses).toEqual([0, 50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000])
    fleet.answer = () => Promise.resolve()
    await env.advance(5_000)
    expect([notices.hears(a), notices.refused]).toEqual([true, false])
    expect(told).toEqual([]) // nothing was missed on what was never open
    fleet.answer = failing('CLUSTERDOWN no')
    fleet.triedAtMs.length = 0
    fleet.lines.at(-1)?.lose()
    const lostMs = env.nowMs()
    await env.advance(200)
    expect(fleet.triedAtMs.map((atMs) => atMs - lostMs)).toEqual([50, 150])
  })

  test('is asked of a master that is known by then', async () => {
    const { env, notices, fleet } = start()
    fleet.owners.set(slotOf(a), undefined)
    expect(await notices.opened(a, 1_000)).toBe(false)
    expect(fleet.lines).toEqual([])
    fleet.owners.delete(slotOf(a))
    await env.advance(50)
    expect(notices.hears(a)).toBe(true)
  })

  test.each([
    ["ERR unknown command 'ssubscribe'", true],
    ['NOPERM this user has no permissions', true],
    ['CLUSTERDOWN Hash slot not served', false],
    ['it said NOPERM', false],
    ['ERR no', false],
  ])('is given up for good where it is refused: %s', async (text, refused) => {
    const { notices, fleet } = start()
    fleet.answer = failing(text)
    expect(await notices.opened(a, 1_000)).toBe(false)
    expect(notices.refused).toBe(refused)
  })
})

describe('a sharded channel that nobody uses', () => {
  test('is closed, and its connection with the last', async () => {
    const { env, notices, fleet, open } = start()
    for (const channel of [a, b, elsewhere]) notices.want(channel)
    await env.advance(10_000)
    expect(open()).toHaveLength(2)
    notices.hears(b)
    await env.advance(10_000)
    expect(open()).toMatchObject([{ owner: 'one', channels: [b] }])
    expect([notices.hears(a), notices.hears(b)]).toEqual([false, true])
    await env.advance(10_000)
    notices.want(b)
    await env.advance(10_000)
    await notices.opened(b, 1_000)
    await env.advance(10_000)
    expect(open()).toHaveLength(1)
    await env.advance(20_000)
    expect(open()).toEqual([])
    expect([notices.hears(b), env.pendingTimers]).toEqual([false, 0])
    expect(fleet.lines).toHaveLength(2)
  })

  test('is closed though it is opened only then, unless it is wanted again', async () => {
    for (const again of [false, true]) {
      const { env, notices, fleet } = start()
      const answers: (() => void)[] = []
      notices.want(b)
      await env.advance(0)
      fleet.answer = () => new Promise((resolve) => answers.push(resolve))
      notices.want(a)
      for (let pause = 0; pause < 3; pause++) {
        await env.advance(10_000)
        notices.hears(b)
      }
      if (again) notices.want(a)
      await env.advance(0)
      answers[0]?.()
      await env.advance(0)
      expect(fleet.lines).toMatchObject([{ channels: again ? [b, a] : [b] }])
      expect(notices.hears(a)).toBe(false)
      answers[1]?.()
      await env.advance(0)
      expect(notices.hears(a)).toBe(again)
    }
  })

  test('is waited for by nobody', async () => {
    const { env, notices, fleet } = start()
    fleet.answer = never
    const opened = notices.opened(a, 60_000)
    await env.advance(20_000)
    expect(await opened).toBe(false)
    expect(env.pendingTimers).toBe(0)
  })
})

describe('sharded channels that are lost', () => {
  test('are open again soon, and what may have been missed is told once', async () => {
    const { env, notices, fleet, told, open } = start()
    for (const channel of [a, b]) notices.want(channel)
    await env.advance(0)
    const [lost] = fleet.lines
    lost?.lose()
    expect(lost?.isClosed).toBe(true)
    expect([notices.hears(a), notices.hears(b)]).toEqual([false, false])
    await env.advance(49)
    expect([told, open()]).toEqual([[], []])
    await env.advance(1)
    expect(told).toEqual(['resync'])
    expect([notices.hears(a), notices.hears(b)]).toEqual([true, true])
    expect(open()).toMatchObject([{ channels: [a, b] }])
    fleet.lines[1]?.lose()
    await env.advance(50) // as soon as after the first loss
    expect(told).toEqual(['resync', 'resync'])
    await env.advance(5_000)
    expect(fleet.lines).toHaveLength(3)
  })

  test('are told of by nobody twice, though the master was lost in the middle of a subscription', async () => {
    const { env, notices, fleet, told } = start()
    notices.want(a)
    await env.advance(0)
    fleet.answer = never
    notices.want(b)
    await env.advance(0)
    fleet.answer = () => Promise.resolve()
    fleet.lines[0]?.lose()
    await env.advance(50)
    expect([notices.hears(a), notices.hears(b), told, fleet.lines.length]).toEqual([true, true, ['resync'], 2])
  })

  test('are not missed when the rest of them failed only', async () => {
    const { env, notices, fleet, told } = start()
    fleet.answer = failing('CLUSTERDOWN no')
    notices.want(a)
    await env.advance(0)
    fleet.answer = () => Promise.resolve()
    notices.want(elsewhere)
    await env.advance(50)
    expect([notices.hears(a), notices.hears(elsewhere), told]).toEqual([true, true, []])
  })

  test('follow a slot to its new master, the others stay', async () => {
    const { env, notices, fleet, told, open } = start()
    for (const channel of [a, b]) notices.want(channel)
    await env.advance(0)
    fleet.owners.set(slotOf(a), 'two')
    expect([notices.hears(b), notices.hears(a)]).toEqual([true, false])
    expect(open()).toMatchObject([{ owner: 'one', channels: [b] }])
    await env.advance(50)
    expect([notices.hears(b), notices.hears(a), told]).toEqual([true, true, ['resync']])
    expect(open()).toMatchObject([
      { owner: 'one', channels: [b] },
      { owner: 'two', channels: [a] },
    ])
    fleet.owners.set(slotOf(a), 'one')
    expect(notices.hears(a)).toBe(false)
    expect(open()).toMatchObject([{ owner: 'one' }])
  })

  test('are gone at the end, while they are being opened too, and nothing is left', async () => {
    for (const isPending of [false, true]) {
      const { env, notices, fleet, open } = start()
      notices.want(elsewhere)
      await env.advance(0)
      if (isPending) fleet.answer = never
      const opened = notices.opened(a, 1_000)
      await env.advance(0)
      notices.stop()
      expect(await opened).toBe(!isPending)
      expect([open(), env.pendingTimers]).toEqual([[], 0])
      expect([notices.hears(a), notices.hears(elsewhere)]).toEqual([false, false])
      await env.advance(30_000)
      expect([open(), env.pendingTimers]).toEqual([[], 0])
    }
  })

  test('are not opened any more when the end comes before the connection', async () => {
    const { env, notices, fleet } = start()
    const opened = notices.opened(a, 1_000)
    notices.stop()
    await env.advance(30_000)
    expect(await opened).toBe(false)
    expect(fleet.triedAtMs).toEqual([])
    notices.want(a) // somebody listens again
    await env.advance(0)
    expect(notices.hears(a)).toBe(true)
  })
})
