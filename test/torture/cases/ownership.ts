/** Whose lock it is: asked twice, released twice, taken over, told too late. */
import { setTimeout as sleep } from 'node:timers/promises'
import { startRedis } from '../../support/servers/redis.js'
import type { Case } from '../rig.js'
import { failed, passed } from '../verdicts.js'

const LONG_MS = 20_000

export const ownership: readonly Case[] = [
  {
    id: 'asked-twice',
    title: 'A process asks once more for what it holds',
    expected: 'it is refused: there is one holder, and this is not a reentrant lock',
    stores: ['redis', 'memory', 'file'],
    async run(rig) {
      const own = await rig.process()
      await own.hold(rig.key, rig.wish({ ttlMs: LONG_MS }))
      const again = await own.acquire(rig.key, rig.wish({ ttlMs: LONG_MS }))
      if ('error' in again) return failed(again.error.slice(0, 70))
      return 'hold' in again ? failed('holds it twice') : passed('refused')
    },
  },
  {
    id: 'released-twice',
    title: 'A holder releases twice; in between another has got the lock',
    expected: 'the other goes on holding',
    stores: ['redis', 'memory', 'file'],
    async run(rig) {
      const own = await rig.process()
      const first = await own.hold(rig.key, rig.wish({ ttlMs: LONG_MS }))
      await own.release(first)
      await own.hold(rig.key, rig.wish({ ttlMs: LONG_MS }))
      await own.release(first)
      const third = await own.acquire(rig.key, rig.wish({ ttlMs: LONG_MS }))
      return 'refused' in third ? passed('unharmed') : failed('freed the lock of another')
    },
  },
  {
    id: 'taken-over',
    title: 'In one process: a hold ended by its ttl, and another took over',
    expected: 'the new holder can release, and the key is free again',
    stores: ['memory'],
    async run(rig) {
      if (rig.library.leastTtlMs === 0) return passed('a hold never ends by itself')
      const own = await rig.process()
      const stale = await own.hold(rig.key, rig.wish({ ttlMs: 200 }))
      await own.ask({ do: 'stall', hold: stale.hold, ms: 500 })
      const taken = await own.hold(rig.key, rig.wish({ ttlMs: LONG_MS }))
      const { error } = await own.release(taken)
      if (error !== undefined) return failed(`could not release: ${error.slice(0, 60)}`)
      const third = await own.acquire(rig.key, rig.wish())
      return 'hold' in third ? passed('like any other') : failed('the key stays held')
    },
  },
  {
    id: 'token-read-late',
    title: 'Who was stopped for too long reads its token when another holds',
    expected: 'it reads its own, and the resource can refuse it',
    stores: ['redis'],
    needs: ['token'],
    async run(rig) {
      const [stale, other] = await Promise.all([rig.process(), rig.process()])
      const grant = await stale.hold(rig.key, rig.wish())
      stale.stop()
      await sleep(1.5 * rig.ttlMs)
      const taken = await other.hold(rig.key, rig.wish({ waitMs: 5 * rig.ttlMs }))
      stale.resume()
      const { token = 0 } = await stale.look(grant)
      return token < (taken.token ?? 0) && token === grant.token ? passed('its own') : failed('the one of another')
    },
  },
  {
    id: 'two-primaries',
    title: 'Two servers think that they are the primary, and each grants the lock',
    expected: 'the later grant has the larger token: a resource can tell who is stale',
    stores: ['redis'],
    needs: ['token'],
    async run(rig) {
      const holder = await rig.process()
      const grant = await holder.hold(rig.key, rig.wish({ ttlMs: LONG_MS }))
      const second = await startRedis()
      rig.onClose(() => second.stop())
      rig.proxy.leadTo(second.url)
      const misled = await rig.behindProxy()
      const taken = await misled.hold(rig.key, rig.wish({ ttlMs: LONG_MS }))
      return (taken.token ?? 0) > (grant.token ?? 0) ? passed('larger') : failed('not larger')
    },
  },
  {
    id: 'asker-clock-ahead',
    title: 'The clock of a process that asks is an hour ahead',
    expected: 'what another holds stays its own',
    stores: ['redis', 'file'],
    async run(rig) {
      const clock = rig.clientClock()
      const [holder, asking] = await Promise.all([rig.process(), rig.behindProxy({}, clock.env)])
      const grant = await holder.hold(rig.key, rig.wish({ ttlMs: LONG_MS }))
      clock.setMs(3_600_000)
      const answer = await asking.acquire(rig.key, rig.wish({ ttlMs: LONG_MS }))
      const { active } = await holder.look(grant)
      if (!('hold' in answer)) return passed('refused')
      return failed(active ? 'two hold at once' : 'took what another held')
    },
  },
  {
    id: 'quiet-after-release',
    title: 'A lock is released, and its ttl passes',
    expected: 'nobody is told of a loss',
    stores: ['redis', 'file'],
    needs: ['renewal'],
    async run(rig) {
      const holder = await rig.process()
      const grant = await holder.hold(rig.key, rig.wish())
      await sleep(0.7 * rig.ttlMs)
      await holder.release(grant)
      await sleep(2.5 * rig.ttlMs)
      const { lossTold } = await holder.look(grant)
      return lossTold ? failed('told of a loss') : passed('nothing')
    },
  },
]
