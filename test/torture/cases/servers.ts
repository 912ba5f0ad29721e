/** Servers that freeze, die, forget, and lie about the time. */
import { readdirSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { machineMs } from '../../fleet/machine-clock.js'
import { startRedis } from '../../support/servers/redis.js'
import type { Acquired, Grant } from '../orders.js'
import type { Remote } from '../remote.js'
import type { Case, Rig, Verdict } from '../rig.js'
import { failed, passed, toldBy, within } from '../verdicts.js'

const FROZEN_MS = 5000

/** Holds, lets the store forget it, and expects to be told within the ttl. */
function forgotten(id: string, title: string, forget: (rig: Rig) => Promise<unknown>): Case {
  return {
    id,
    title,
    expected: 'the holder is told within its ttl',
    stores: ['redis'],
    async run(rig) {
      const ttlMs = 3000
      const holder = await rig.behindProxy()
      const grant = await holder.hold(rig.key, rig.wish({ ttlMs }))
      await sleep(200)
      const startMs = machineMs()
      await forget(rig)
      return toldBy(await holder.told(grant, 3 * ttlMs), startMs + ttlMs, 3 * ttlMs)
    },
  }
}

/** Asks for a free key of a server that may not write. */
function unwritable(id: string, title: string, make: (rig: Rig) => Promise<unknown>): Case {
  return {
    id,
    title,
    expected: 'a failure of the store, not taken for a key that is held',
    stores: ['redis'],
    async run(rig) {
      const asking = await rig.behindProxy()
      await make(rig)
      const answer = await asking.acquire(rig.key, rig.wish())
      if ('hold' in answer) return failed('granted, without a trace in the store')
      return 'error' in answer ? passed(answer.error.slice(0, 70)) : failed('told as a key that is held')
    },
  }
}

/** Holds, lets something happen that the store survives, and expects to hold still. */
function survived(id: string, title: string, happen: (rig: Rig) => Promise<unknown>): Case {
  return {
    id,
    title,
    expected: 'the holder goes on holding',
    stores: ['redis'],
    needs: ['renewal'],
    async run(rig): Promise<Verdict> {
      // long enough that a busy machine does not lose it
      const ttlMs = 3000
      const [holder, other] = await Promise.all([rig.behindProxy(), rig.process()])
      const grant = await holder.hold(rig.key, rig.wish({ ttlMs }))
      await happen(rig)
      await sleep(1.5 * ttlMs)
      const verdict = await rig.heldStill(holder, grant, other)
      if (!verdict.pass) return verdict
      const { error } = await holder.release(grant)
      return error === undefined ? verdict : failed(`could not release: ${error.slice(0, 60)}`)
    },
  }
}

async function restartEmpty({ server }: Rig): Promise<void> {
  await server.command('FLUSHALL')
  await server.kill()
  await server.start()
}

/** The last page of the log has room for a few commands more: keys are asked for until one is not granted. */
async function refusedAtLast(asking: Remote, rig: Rig): Promise<Acquired | undefined> {
  let answer: Acquired | undefined
  for (let at = 0; at < 200 && (answer === undefined || 'hold' in answer); at++) {
    answer = await Promise.race([asking.acquire(`${rig.key}-${at}`, rig.wish()), sleep(8000, undefined)])
    if (answer === undefined) break
  }
  return answer
}

/** What came in between is lost: the server comes back with what its disk had before. */
export async function restored({ server }: Rig, between: () => Promise<unknown>): Promise<void> {
  const folder = join(server.dir, 'appendonlydir')
  const log = readdirSync(folder).find((name) => name.endsWith('.incr.aof'))
  if (log === undefined) throw new Error('the server keeps no log')
  const path = join(folder, log)
  const { size } = statSync(path)
  await between()
  await server.kill()
  truncateSync(path, size)
  await server.start()
}

export const servers: readonly Case[] = [
  {
    id: 'server-frozen',
    title: 'The server freezes for 5 s, the ttl is 1 s',
    expected: 'the holder is told at its deadline',
    stores: ['redis'],
    async run(rig) {
      const holder = await rig.behindProxy()
      const grant = await holder.hold(rig.key, rig.wish())
      rig.server.pause()
      const startMs = machineMs()
      void sleep(FROZEN_MS).then(() => rig.server.resume())
      return toldBy(await holder.told(grant, FROZEN_MS + 4000), startMs + rig.ttlMs, FROZEN_MS + 4000)
    },
  },
  {
    id: 'acquire-on-frozen-server',
    title: 'Somebody asks a server that is frozen, without waiting',
    expected: 'the answer, or the failure, comes within 5 s',
    stores: ['redis'],
    async run(rig) {
      const asking = await rig.behindProxy()
      rig.server.pause()
      const startMs = machineMs()
      const answer = await Promise.race([asking.acquire(rig.key, rig.wish()), sleep(8000, undefined)])
      return within(answer && machineMs() - startMs, 5000, 'told', 8000)
    },
  },
  {
    id: 'release-on-frozen-server',
    title: 'A holder with a ttl of 3 s ends its work while the server is frozen',
    expected: 'it is not held up for longer than its ttl',
    stores: ['redis'],
    async run(rig) {
      const holder = await rig.behindProxy()
      const grant = await holder.hold(rig.key, rig.wish({ ttlMs: 3000 }))
      rig.server.pause()
      const answer = await Promise.race([holder.release(grant), sleep(8000, undefined)])
      return within(answer?.tookMs, 3000, 'released', 8000)
    },
  },
  forgotten('flushed', 'FLUSHALL while held, the ttl is 3 s', ({ server }) => server.command('FLUSHALL')),
  forgotten('restarted-empty', 'The server restarts without its data', restartEmpty),
  forgotten('evicted', 'The server, short of memory, evicts the key', async ({ server }) => {
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-random')
    await server.command('CONFIG', 'SET', 'maxmemory', '1')
    // evicts all there is, and then fails by itself
    await server.command('SET', 'another', 'value').catch(() => undefined)
    await server.command('CONFIG', 'SET', 'maxmemory', '0')
  }),
  {
    id: 'restored',
    title: 'The server loses its power, and comes back with data from before the grant',
    expected: 'the holder is told within its ttl',
    stores: ['redis'],
    async run(rig) {
      const ttlMs = 3000
      const holder = await rig.behindProxy()
      let grant: Grant | undefined
      await restored(rig, async () => void (grant = await holder.hold(rig.key, rig.wish({ ttlMs }))))
      const startMs = machineMs()
      if (grant === undefined) return failed('was not granted')
      return toldBy(await holder.told(grant, 3 * ttlMs), startMs + ttlMs, 3 * ttlMs)
    },
  },
  forgotten('failed-over', 'A replica takes over that had not heard of the lock', async (rig) => {
    const next = await startRedis()
    rig.onClose(() => next.stop())
    rig.proxy.leadTo(next.url)
    rig.proxy.cut()
  }),
  forgotten('server-clock-ahead', 'The server’s clock jumps ahead by 40 s', (rig) => {
    rig.moveServerClock(40_000)
    return Promise.resolve()
  }),
  survived('restarted-with-data', 'The server is killed and comes back with its data', async ({ server }) => {
    await server.kill()
    await server.start()
  }),
  survived('frozen-for-a-moment', 'The server freezes for 1.5 s, the ttl is 3 s', async ({ server }) => {
    server.pause()
    await sleep(1500)
    server.resume()
  }),
  survived('out-of-memory-held', 'The server is out of memory for 1.5 s while held', async ({ server }) => {
    await server.command('CONFIG', 'SET', 'maxmemory', '1')
    await sleep(1500)
    await server.command('CONFIG', 'SET', 'maxmemory', '0')
  }),
  survived('server-clock-back', 'The server’s clock is set back by an hour while held', (rig) => {
    rig.moveServerClock(-3_600_000)
    return Promise.resolve()
  }),
  survived('slow-network', 'Each reply takes 200 ms from then on', ({ proxy }) => {
    proxy.delayMs(200)
    return Promise.resolve()
  }),
  survived('scripts-flushed', 'SCRIPT FLUSH while held', ({ server }) => server.command('SCRIPT', 'FLUSH')),
  survived('connections-killed', 'The server ends all connections', ({ server }) =>
    server.command('CLIENT', 'KILL', 'TYPE', 'normal'),
  ),
  {
    id: 'down-at-start',
    title: 'The store is down when the program starts',
    expected: 'no crash; it works when the store comes up',
    stores: ['redis'],
    limitMs: 30_000,
    async run(rig) {
      await rig.server.kill()
      const early = await rig.cold({ bare: true })
      const first = Promise.race([early.acquire('early', rig.wish()), sleep(1500, undefined)])
      await first
      if (early.death !== undefined) return failed(`the process died: ${early.death}`)
      await rig.server.start()
      const answer = await early.acquire(rig.key, rig.wish({ waitMs: 8000 }))
      return 'hold' in answer ? passed('works') : failed('error' in answer ? answer.error.slice(0, 70) : 'refused')
    },
  },
  unwritable('out-of-memory', 'The server is out of memory, the key is free', ({ server }) =>
    server.command('CONFIG', 'SET', 'maxmemory', '1'),
  ),
  unwritable('read-only', 'The server has become a replica, the key is free', ({ server }) =>
    server.command('REPLICAOF', server.host, '1'),
  ),
  unwritable('too-few-replicas', 'The server wants a replica that is not there, the key is free', ({ server }) =>
    server.command('CONFIG', 'SET', 'min-replicas-to-write', '1'),
  ),
  {
    id: 'disk-full',
    title: 'The disk of the server is full, the key is free; then there is room again',
    expected: 'a failure of the store within 8 s; and it works again',
    stores: ['redis'],
    limitMs: 30_000,
    async run(rig) {
      const { server, disk } = await rig.onSmallDisk()
      const asking = await rig.behindProxy()
      disk.fill()
      const first = await refusedAtLast(asking, rig)
      disk.clear()
      await server.start()
      if (first === undefined) return failed('no answer in 8 s')
      if ('refused' in first) return failed('told as a key that is held')
      if ('hold' in first) return failed('granted, without a trace on the disk')
      const answer = await asking.acquire('another', rig.wish({ waitMs: 8000 }))
      return 'hold' in answer ? passed('an error, then granted') : failed('does not work again')
    },
  },
  {
    id: 'connections-killed-waiting',
    title: 'The server ends all connections while somebody waits',
    expected: 'the waiter is served within 2 s of the release',
    stores: ['redis'],
    async run(rig) {
      const [holder, waiter] = await Promise.all([rig.process(), rig.process()])
      const grant = await holder.hold(rig.key, rig.wish({ ttlMs: 10_000 }))
      const waiting = waiter.acquire(rig.key, rig.wish({ waitMs: 10_000 }))
      await sleep(600)
      for (const type of ['normal', 'pubsub']) await rig.server.command('CLIENT', 'KILL', 'TYPE', type)
      await sleep(300)
      await holder.release(grant)
      const releasedMs = machineMs()
      const answer = await waiting
      return within('hold' in answer ? answer.grantedMs - releasedMs : undefined, 2000, 'served', 10_000)
    },
  },
]
