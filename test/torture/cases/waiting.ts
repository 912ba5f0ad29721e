/** Waiters, their order, and what they cost. */
import { setTimeout as sleep } from 'node:timers/promises'
import { machineMs } from '../../fleet/machine-clock.js'
import { until } from '../../support/until.js'
import type { Acquired, Answers } from '../orders.js'
import type { Case } from '../rig.js'
import { failed, within } from '../verdicts.js'

const PROCESSES = 4
const ROUNDS = 4
/** Between one and the next: a busy machine may hold one up. */
const APART_MS = 250
const LONG_MS = 20_000
const CROWD = 30_000
const MOMENTS = 20

export const waiting: readonly Case[] = [
  {
    id: 'commands-of-waiters',
    title: '20 wait in one process, for 3 s',
    expected: 'at most 5 commands a second each',
    stores: ['redis'],
    async run(rig) {
      const [holder, waiters] = await Promise.all([rig.process(), rig.process()])
      await holder.hold(rig.key, rig.wish({ ttlMs: 30_000 }))
      const crowd = waiters.ask({ do: 'crowd', key: rig.key, count: 20, wish: rig.wish({ waitMs: 20_000 }) })
      crowd.catch(() => undefined) // ended with its process
      await sleep(500)
      const before = await rig.commands()
      await sleep(3000)
      const each = ((await rig.commands()) - before) / 20 / 3
      return { pass: each <= 5, reason: `${each.toFixed(1)} a second each` }
    },
  },
  {
    id: 'order-of-processes',
    title: `${PROCESSES} processes wait, one after the other, ${ROUNDS} times`,
    expected: 'they are served in the order in which they came',
    stores: ['redis', 'file'],
    limitMs: 40_000,
    async run(rig) {
      const holder = await rig.process()
      const waiters = await Promise.all(Array.from({ length: PROCESSES }, () => rig.process()))
      const sent = (): Promise<number> => (rig.library.store === 'redis' ? rig.commands() : Promise.resolve(0))
      let outOfTurn = 0
      // the first round only opens what a first wait opens
      for (let round = 0; round <= ROUNDS; round++) {
        const grant = await holder.hold(rig.key, rig.wish({ ttlMs: LONG_MS, waitMs: 5000 }))
        const served: number[] = []
        const all: Promise<void>[] = []
        for (const [turn, waiter] of waiters.entries()) {
          const before = await sent()
          all.push(
            waiter.hold(rig.key, rig.wish({ ttlMs: LONG_MS, waitMs: LONG_MS })).then(async (own) => {
              served.push(turn)
              await waiter.release(own)
            }),
          )
          if (rig.library.store === 'redis') await until(async () => (await sent()) > before)
          await sleep(APART_MS)
        }
        await holder.release(grant)
        await Promise.all(all)
        if (round > 0 && served.some((turn, at) => turn !== at)) outOfTurn++
      }
      const reason = outOfTurn === 0 ? 'in order' : `out of turn in ${outOfTurn} of ${ROUNDS} rounds`
      return { pass: outOfTurn === 0, reason }
    },
  },
  {
    id: 'dead-waiter',
    title: 'The first in line is killed, then the holder releases',
    expected: 'the second is served within a ttl',
    stores: ['redis', 'file'],
    limitMs: 30_000,
    async run(rig) {
      const [holder, first, second] = await Promise.all([rig.process(), rig.process(), rig.process()])
      const grant = await holder.hold(rig.key, rig.wish({ ttlMs: 8 * rig.ttlMs }))
      first.acquire(rig.key, rig.wish({ waitMs: 8 * rig.ttlMs })).catch(() => undefined) // it is killed
      await sleep(300)
      const served = second.acquire(rig.key, rig.wish({ waitMs: 8 * rig.ttlMs }))
      await sleep(300)
      await first.kill()
      await holder.release(grant)
      const releasedMs = machineMs()
      const answer = await served
      return within('hold' in answer ? answer.grantedMs - releasedMs : undefined, rig.ttlMs, 'served', 8 * rig.ttlMs)
    },
  },
  {
    id: 'given-up-waits',
    title: '200 waits are over, then the holder releases',
    expected: 'none of them is granted any more; the key is free at once',
    stores: ['redis', 'memory'],
    limitMs: 30_000,
    async run(rig) {
      const own = await rig.process()
      const grant = await own.hold(rig.key, rig.wish({ ttlMs: 20_000 }))
      const gone = await own.ask({ do: 'crowd', key: rig.key, count: 200, wish: rig.wish({ waitMs: 300 }) })
      if (gone.served > 0) return failed(`${gone.served} were granted what is held`)
      if (gone.error !== undefined) return failed(gone.error.slice(0, 70))
      await own.release(grant)
      await sleep(300)
      const answer = await own.acquire(rig.key, rig.wish({ waitMs: 5000 }))
      return within('hold' in answer ? answer.grantedMs - answer.askedMs : undefined, 500, 'granted', 5000)
    },
  },
  {
    id: 'cancelled-wait',
    title: 'A wait is cancelled, then the holder releases',
    expected: 'it ends at once, and is granted nothing later',
    stores: ['redis', 'memory'],
    needs: ['cancel'],
    limitMs: 30_000,
    async run(rig) {
      const own = await rig.process()
      const grant = await own.hold(rig.key, rig.wish({ ttlMs: 20_000 }))
      const startMs = machineMs()
      const wish = rig.wish({ ttlMs: 20_000, waitMs: 8000, cancelAfterMs: 300 })
      const cancelled = await own.acquire(rig.key, wish)
      const tookMs = machineMs() - startMs
      if ('hold' in cancelled) return failed('was granted what is held')
      if (tookMs > 1000) return failed(`ended ${Math.round(tookMs - 300)} ms later`)
      await own.release(grant)
      await sleep(500)
      const answer = await own.acquire(rig.key, rig.wish({ waitMs: 5000 }))
      return within('hold' in answer ? answer.grantedMs - answer.askedMs : undefined, 300, 'free', 5000)
    },
  },
  {
    id: 'released-as-a-wait-begins',
    title: `The holder releases in the moment in which a wait begins, ${MOMENTS} times`,
    expected: 'no wake-up is missed: the wait is served within 500 ms',
    stores: ['redis'],
    limitMs: 40_000,
    async run(rig) {
      const [holder, waiter] = await Promise.all([rig.process(), rig.process()])
      let longestMs = 0
      // the first only opens what a first wait opens
      for (let moment = 0; moment <= MOMENTS; moment++) {
        const grant = await holder.hold(rig.key, rig.wish({ ttlMs: 10_000, waitMs: 5000 }))
        const waiting = waiter.acquire(rig.key, rig.wish({ ttlMs: 10_000, waitMs: 5000 }))
        await sleep((moment / MOMENTS) * 8)
        await holder.release(grant)
        const releasedMs = machineMs()
        const answer = await waiting
        if (!('hold' in answer)) return failed('error' in answer ? answer.error.slice(0, 70) : 'never served')
        if (moment > 0) longestMs = Math.max(longestMs, answer.grantedMs - releasedMs)
        await waiter.release(answer)
      }
      return within(longestMs, 500, 'served', 5000)
    },
  },
  {
    id: 'one-gives-up',
    title: 'Five wait in one process, and two of them give up',
    expected: 'the others are served within 1 s of the release',
    stores: ['redis', 'memory'],
    async run(rig) {
      const own = await rig.process()
      const grant = await own.hold(rig.key, rig.wish({ ttlMs: 20_000 }))
      const wait = (waitMs: number): Promise<Acquired> => own.acquire(rig.key, rig.wish({ ttlMs: 20_000, waitMs }))
      const waiting = [8000, 400, 8000, 600, 8000].map(wait)
      const served = waiting.map(async (answer) => {
        const got = await answer
        if ('hold' in got) await own.release(got)
        return 'hold' in got ? machineMs() : undefined
      })
      await sleep(1200)
      const startMs = machineMs()
      await own.release(grant)
      const times = (await Promise.all(served)).filter((atMs) => atMs !== undefined)
      return within(times.length === 3 ? Math.max(...times) - startMs : undefined, 1000, 'served', 8000)
    },
  },
  {
    id: 'crowd',
    title: `${CROWD.toLocaleString('en-US')} wait for one key in one process`,
    expected: 'all are served within 10 s',
    stores: ['memory'],
    limitMs: 30_000,
    async run(rig) {
      const own = await rig.process()
      const startMs = machineMs()
      const wish = rig.wish({ ttlMs: 60_000, waitMs: 60_000 })
      const asked = own.ask({ do: 'crowd', key: rig.key, count: CROWD, wish })
      const answer = await Promise.race([asked, sleep(15_000, undefined)]).catch(asFailure)
      if (answer === undefined) return failed('not all served in 15 s')
      if (answer.error !== undefined) return failed(answer.error.slice(0, 70))
      return within(answer.served === CROWD ? machineMs() - startMs : undefined, 10_000, 'served', 15_000)
    },
  },
]

/** The process may die of it. */
function asFailure(error: unknown): Answers['crowd'] {
  return { served: 0, refused: 0, error: error instanceof Error ? error.message : String(error) }
}
