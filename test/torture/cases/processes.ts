/** Processes that stall, stop, die, and finish. */
import { setTimeout as sleep } from 'node:timers/promises'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { machineMs } from '../../fleet/machine-clock.js'
import type { Case } from '../rig.js'
import { failed, passed, toldBy, within } from '../verdicts.js'

export const processes: readonly Case[] = [
  {
    id: 'loop-stalled',
    title: 'The event loop stalls for twice the ttl',
    expected: 'the very next statement knows that the lock is lost',
    stores: ['redis', 'file'],
    async run(rig) {
      const holder = await rig.process()
      const { hold } = await holder.hold(rig.key, rig.wish())
      const active = await holder.ask({ do: 'stall', hold, ms: 2 * rig.ttlMs })
      return active ? failed('reads as held') : passed('knows')
    },
  },
  {
    id: 'process-stopped',
    title: 'The process is stopped for twice the ttl',
    expected: 'its first look after that knows that the lock is lost',
    stores: ['redis', 'file'],
    async run(rig) {
      const holder = await rig.process()
      const grant = await holder.hold(rig.key, rig.wish())
      holder.stop()
      await sleep(2 * rig.ttlMs)
      holder.resume()
      await sleep(100)
      const { activeAfterGap } = await holder.look(grant)
      return activeAfterGap === false ? passed('knows') : failed('reads as held')
    },
  },
  {
    id: 'holder-killed',
    title: 'The holder is killed while another waits',
    expected: 'the other has the lock when the ttl is over',
    stores: ['redis', 'file'],
    limitMs: 30_000,
    async run(rig) {
      const [holder, waiter] = await Promise.all([rig.process(), rig.process()])
      await holder.hold(rig.key, rig.wish())
      const waiting = waiter.acquire(rig.key, rig.wish({ waitMs: 8 * rig.ttlMs }))
      await sleep(200)
      await holder.kill()
      const killedMs = machineMs()
      const answer = await waiting
      return within('hold' in answer ? answer.grantedMs - killedMs : undefined, rig.ttlMs, 'granted', 8 * rig.ttlMs)
    },
  },
  {
    id: 'told-to-end',
    title: 'A holder is told to end (SIGTERM) while another waits',
    expected: 'it ends within a second, and the other has the lock when the ttl is over',
    stores: ['redis', 'file'],
    limitMs: 30_000,
    async run(rig) {
      const [holder, waiter] = await Promise.all([rig.process(), rig.process()])
      await holder.hold(rig.key, rig.wish())
      const waiting = waiter.acquire(rig.key, rig.wish({ waitMs: 8 * rig.ttlMs }))
      await sleep(200)
      const toldMs = machineMs()
      if (!(await holder.terminate(2000))) return failed('lives on')
      const answer = await waiting
      return within('hold' in answer ? answer.grantedMs - toldMs : undefined, rig.ttlMs, 'granted', 8 * rig.ttlMs)
    },
  },
  {
    id: 'stale-release',
    title: 'Who was stopped for too long releases what another holds by now',
    expected: 'the other goes on holding',
    stores: ['redis', 'file'],
    limitMs: 30_000,
    async run(rig) {
      const [stale, other] = await Promise.all([rig.process(), rig.process()])
      const grant = await stale.hold(rig.key, rig.wish())
      stale.stop()
      await sleep(1.5 * rig.ttlMs)
      // a lock file is judged by the ttl of whoever wants it
      const ttlMs = rig.library.features.includes('renewal') ? rig.ttlMs : 10 * rig.ttlMs
      const taken = await other.acquire(rig.key, rig.wish({ ttlMs, waitMs: 3 * rig.ttlMs }))
      stale.resume()
      if (!('hold' in taken)) return failed('the lock of a stopped process stays')
      await stale.release(grant).catch(() => undefined)
      return (await rig.anotherHasIt(0)) === undefined ? passed('unharmed') : failed('freed the lock of another')
    },
  },
  {
    id: 'stale-release-memory',
    title: 'In one process: a hold that ended releases what another holds by now',
    expected: 'the other goes on holding',
    stores: ['memory'],
    async run(rig) {
      if (rig.library.leastTtlMs === 0) return passed('a hold never ends by itself')
      const own = await rig.process()
      const stale = await own.hold(rig.key, rig.wish({ ttlMs: 200 }))
      await own.ask({ do: 'stall', hold: stale.hold, ms: 500 })
      const taken = await own.acquire(rig.key, rig.wish({ ttlMs: 10_000 }))
      if (!('hold' in taken)) return failed('the hold does not end')
      await own.release(stale)
      const third = await own.acquire(rig.key, rig.wish())
      return 'refused' in third ? passed('unharmed') : failed('freed the lock of another')
    },
  },
  {
    id: 'not-revived',
    title: 'Who was stopped for too long renews a lock that is gone',
    expected: 'the lock is not made anew',
    stores: ['redis', 'file'],
    needs: ['renewal'],
    limitMs: 30_000,
    async run(rig) {
      const [stale, other] = await Promise.all([rig.process(), rig.process()])
      await stale.hold(rig.key, rig.wish())
      stale.stop()
      await sleep(1.5 * rig.ttlMs)
      const taken = await other.acquire(rig.key, rig.wish({ waitMs: 3 * rig.ttlMs }))
      if (!('hold' in taken)) return failed('the lock of a stopped process stays')
      await other.release(taken)
      stale.resume()
      await sleep(1.5 * rig.ttlMs)
      return (await rig.anotherHasIt(0)) === undefined ? failed('made anew') : passed('stays free')
    },
  },
  {
    id: 'loss-kills-nobody',
    title: 'A held lock is deleted in the store, and nobody handles anything',
    expected: 'the process lives',
    stores: ['redis', 'file'],
    needs: ['renewal'],
    async run(rig) {
      const holder = await rig.process({ bare: true })
      await holder.hold(rig.key, rig.wish())
      if (rig.library.store === 'redis') await rig.server.command('FLUSHALL')
      else rmSync(join(rig.folder, `${rig.key}.lock`), { recursive: true })
      await sleep(2.5 * rig.ttlMs)
      return holder.death === undefined ? passed('lives') : failed(`died: ${holder.death}`)
    },
  },
  {
    id: 'faults-kill-nobody',
    title: 'Silence, cuts and late replies while held, and nobody handles anything',
    expected: 'the process lives',
    stores: ['redis'],
    async run(rig) {
      const holder = await rig.behindProxy({ bare: true })
      await holder.hold(rig.key, rig.wish())
      rig.proxy.blackhole(true)
      await sleep(1.5 * rig.ttlMs)
      rig.proxy.blackhole(false)
      rig.proxy.delayMs(700)
      await holder.acquire('another', rig.wish())
      rig.proxy.cut()
      rig.proxy.delayMs(0)
      await sleep(rig.ttlMs)
      return holder.death === undefined ? passed('lives') : failed(`died: ${holder.death}`)
    },
  },
  {
    id: 'ends-by-itself',
    title: 'The program is done: released, closed',
    expected: 'the process ends by itself within a second',
    stores: ['redis', 'file', 'memory'],
    async run(rig) {
      const done = await rig.process()
      const grant = await done.hold(rig.key, rig.wish())
      await sleep(300)
      await done.release(grant)
      return within(await done.closeAndExit(8000), 1000, 'ended', 8000)
    },
  },
  {
    id: 'client-clock-back',
    title: 'The holder’s wall clock is set back by an hour while the server is frozen',
    expected: 'it is told at its deadline',
    stores: ['redis'],
    async run(rig) {
      const clock = rig.clientClock()
      const holder = await rig.behindProxy({}, clock.env)
      const grant = await holder.hold(rig.key, rig.wish())
      rig.server.pause()
      clock.setMs(-3_600_000)
      const startMs = machineMs()
      return toldBy(await holder.told(grant, 6 * rig.ttlMs), startMs + rig.ttlMs, 6 * rig.ttlMs)
    },
  },
]
