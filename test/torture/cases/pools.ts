/** Several holders of one key. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Case } from '../rig.js'
import { failed, passed, within } from '../verdicts.js'

const LONG_MS = 20_000

export const pools: readonly Case[] = [
  {
    id: 'permit-of-the-dead',
    title: 'Two permits; one of the two holders is killed while a third waits',
    expected: 'the third has the permit when the ttl is over',
    stores: ['redis'],
    needs: ['limit'],
    async run(rig) {
      const [first, second, third] = await Promise.all([rig.process(), rig.process(), rig.process()])
      await first.hold(rig.key, rig.wish({ limit: 2, ttlMs: LONG_MS }))
      await second.hold(rig.key, rig.wish({ limit: 2 }))
      const startMs = performance.now()
      await second.kill()
      const answer = await third.acquire(rig.key, rig.wish({ limit: 2, waitMs: 8 * rig.ttlMs }))
      const tookMs = 'hold' in answer ? performance.now() - startMs : undefined
      return within(tookMs, rig.ttlMs, 'granted', 8 * rig.ttlMs)
    },
  },
  {
    id: 'limits-differ',
    title: 'Three hold with a limit of 3; a process with a limit of 5 asks',
    expected: 'nobody is granted a fourth permit',
    stores: ['redis'],
    needs: ['limit'],
    async run(rig) {
      const [own, other] = await Promise.all([rig.process(), rig.process()])
      for (let at = 0; at < 3; at++) await own.hold(rig.key, rig.wish({ limit: 3, ttlMs: LONG_MS }))
      const answer = await other.acquire(rig.key, rig.wish({ limit: 5, ttlMs: LONG_MS }))
      if ('hold' in answer) return failed('a fourth holds')
      return passed('error' in answer ? answer.error.slice(0, 70) : 'refused')
    },
  },
  {
    id: 'ttls-differ',
    title: 'One holds a permit with a ttl of 20 s; another asks for one with a ttl of 1 s',
    expected: 'the longer hold is not driven out by the shorter one',
    stores: ['redis'],
    needs: ['limit'],
    async run(rig) {
      const [long, short] = await Promise.all([rig.process(), rig.process()])
      for (let at = 0; at < 2; at++) await long.hold(rig.key, rig.wish({ limit: 2, ttlMs: LONG_MS }))
      await sleep(1.5 * rig.ttlMs)
      const answer = await short.acquire(rig.key, rig.wish({ limit: 2 }))
      return 'hold' in answer ? failed('three hold') : passed('refused')
    },
  },
  {
    id: 'permits-clock-ahead',
    title: 'All permits are held; the clock of a process that asks is an hour ahead',
    expected: 'it is refused',
    stores: ['redis'],
    needs: ['limit'],
    async run(rig) {
      const clock = rig.clientClock()
      const [own, asking] = await Promise.all([rig.process(), rig.behindProxy({}, clock.env)])
      for (let at = 0; at < 2; at++) await own.hold(rig.key, rig.wish({ limit: 2, ttlMs: LONG_MS }))
      clock.setMs(3_600_000)
      const answer = await asking.acquire(rig.key, rig.wish({ limit: 2, ttlMs: LONG_MS }))
      return 'hold' in answer ? failed('three hold') : passed('refused')
    },
  },
]
