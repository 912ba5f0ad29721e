/** Replies that get lost, sockets that fall silent. */
import { setTimeout as sleep } from 'node:timers/promises'
import { machineMs } from '../../fleet/machine-clock.js'
import type { Case } from '../rig.js'
import { failed, passed, toldBy, within } from '../verdicts.js'

const LONG_MS = 20_000

export const network: readonly Case[] = [
  {
    id: 'acquire-reply-lost',
    title: 'The reply to an acquire is lost with its connection, after the server ran it',
    expected: 'the same client has its lock, long before its ttl is over',
    stores: ['redis'],
    limitMs: 30_000,
    async run(rig) {
      const asking = await rig.behindProxy()
      void rig.proxy.cutOnReply(rig.key)
      const answer = await asking.acquire(rig.key, rig.wish({ ttlMs: 8000, waitMs: 12_000 }))
      if ('error' in answer) return failed(`failed: ${short(answer.error)}`)
      if (!('hold' in answer)) return failed('waited for itself, in vain')
      return within(answer.grantedMs - answer.askedMs, 2000, 'granted', LONG_MS)
    },
  },
  {
    id: 'holder-black-holed',
    title: 'The holder’s connection falls silent, both ways',
    expected: 'it is told at its deadline',
    stores: ['redis'],
    async run(rig) {
      const holder = await rig.behindProxy()
      const grant = await holder.hold(rig.key, rig.wish())
      rig.proxy.blackhole(true)
      const sentMs = machineMs()
      const watchedMs = 6 * rig.ttlMs
      return toldBy(await holder.told(grant, watchedMs), sentMs + rig.ttlMs, watchedMs)
    },
  },
  {
    id: 'replies-black-holed',
    title: 'Requests of the holder arrive, replies to it do not',
    expected: 'it is told at its deadline',
    stores: ['redis'],
    async run(rig) {
      const holder = await rig.behindProxy()
      const grant = await holder.hold(rig.key, rig.wish())
      rig.proxy.dropReplies(true)
      const sentMs = machineMs()
      const watchedMs = 6 * rig.ttlMs
      return toldBy(await holder.told(grant, watchedMs), sentMs + rig.ttlMs, watchedMs)
    },
  },
  {
    id: 'connection-cut',
    title: 'The holder’s connection is cut every 300 ms, for twice its ttl of 3 s',
    expected: 'it goes on holding',
    stores: ['redis'],
    needs: ['renewal'],
    async run(rig) {
      const ttlMs = 3000
      const [holder, other] = await Promise.all([rig.behindProxy(), rig.process()])
      const grant = await holder.hold(rig.key, rig.wish({ ttlMs }))
      const endMs = machineMs() + 2 * ttlMs
      while (machineMs() < endMs) {
        rig.proxy.cut()
        await sleep(300)
      }
      return rig.heldStill(holder, grant, other)
    },
  },
  {
    id: 'acquire-answered-late',
    title: 'The reply to an acquire comes 4 s late, after whoever asked gave up',
    expected: 'the key is free again long before its ttl of 20 s',
    stores: ['redis'],
    limitMs: 40_000,
    async run(rig) {
      const asking = await rig.behindProxy({ commandTimeoutMs: 500 })
      rig.proxy.delayMs(4000)
      const answer = await asking.acquire(rig.key, rig.wish({ ttlMs: LONG_MS }))
      rig.proxy.delayMs(0)
      if ('hold' in answer) return passed('granted all the same')
      return within(await rig.anotherHasIt(12_000), 8000, 'free', 12_000)
    },
  },
  {
    id: 'cancelled-in-flight',
    title: 'A wait is cancelled while its grant is on the way',
    expected: 'the key is free again long before its ttl of 20 s',
    stores: ['redis'],
    needs: ['cancel'],
    limitMs: 30_000,
    async run(rig) {
      const asking = await rig.behindProxy()
      rig.proxy.delayMs(400)
      const answer = await asking.acquire(rig.key, rig.wish({ ttlMs: LONG_MS, waitMs: 5000, cancelAfterMs: 100 }))
      rig.proxy.delayMs(0)
      if ('hold' in answer) return failed('was granted though it was cancelled')
      return within(await rig.anotherHasIt(10_000), 3000, 'free', 10_000)
    },
  },
  {
    id: 'release-swallowed',
    title: 'A release is swallowed by the network, which comes back after 1.5 s',
    expected: 'the key is free again long before its ttl of 20 s',
    stores: ['redis'],
    limitMs: 30_000,
    async run(rig) {
      const holder = await rig.behindProxy()
      const grant = await holder.hold(rig.key, rig.wish({ ttlMs: LONG_MS }))
      rig.proxy.blackhole(true)
      const releasing = holder.release(grant)
      await sleep(1500)
      rig.proxy.blackhole(false)
      const verdict = within(await rig.anotherHasIt(10_000), 5000, 'free', 10_000)
      await Promise.race([releasing, sleep(2000)])
      return verdict
    },
  },
  {
    id: 'granted-when-over',
    title: 'The grant takes longer to arrive than the lease lasts',
    expected: 'a lease that is over is not handed out',
    stores: ['redis'],
    async run(rig) {
      const [asking, other] = await Promise.all([rig.behindProxy(), rig.process()])
      rig.proxy.delayMs(1.5 * rig.ttlMs)
      const answer = await asking.acquire(rig.key, rig.wish())
      const taken = await other.acquire(rig.key, rig.wish())
      if (!('hold' in answer)) return passed('error' in answer ? 'refused, with an error' : 'refused')
      const { active } = await asking.look(answer)
      return 'hold' in taken && active ? failed('two hold at once') : passed('granted while it lasts')
    },
  },
  {
    id: 'stalled-while-asking',
    title: 'The event loop stalls for twice the ttl while the grant lies in the socket',
    expected: 'a lease that is over is not handed out',
    stores: ['redis'],
    async run(rig) {
      const [asking, other] = await Promise.all([rig.process(), rig.process()])
      const answer = await asking.acquire(rig.key, rig.wish({ stallMs: 2 * rig.ttlMs }))
      const taken = await other.acquire(rig.key, rig.wish())
      if (!('hold' in answer)) return passed('error' in answer ? 'refused, with an error' : 'refused')
      const { active } = await asking.look(answer)
      return 'hold' in taken && active ? failed('two hold at once') : passed('granted while it lasts')
    },
  },
  {
    id: 'holder-forgotten',
    title: 'A router forgets the holder’s connection; new connections work',
    expected: 'it goes on holding, or is told at its deadline',
    stores: ['redis'],
    async run(rig) {
      const [holder, other] = await Promise.all([rig.behindProxy(), rig.process()])
      const ttlMs = 3000
      const grant = await holder.hold(rig.key, rig.wish({ ttlMs }))
      const startMs = machineMs()
      rig.proxy.forget()
      const toldMs = await holder.told(grant, 2 * ttlMs)
      if (toldMs !== undefined) return toldBy(toldMs, startMs + ttlMs, 2 * ttlMs)
      return rig.heldStill(holder, grant, other)
    },
  },
  {
    id: 'waiter-forgotten',
    title: 'A router forgets the connections of a waiter; new connections work',
    expected: 'it is served within 15 s of the release',
    stores: ['redis'],
    limitMs: 40_000,
    async run(rig) {
      const [holder, waiter] = await Promise.all([rig.process(), rig.behindProxy()])
      const grant = await holder.hold(rig.key, rig.wish({ ttlMs: LONG_MS }))
      const waiting = waiter.acquire(rig.key, rig.wish({ ttlMs: LONG_MS, waitMs: 30_000 }))
      await sleep(600)
      rig.proxy.forget()
      await sleep(300)
      await holder.release(grant)
      const releasedMs = machineMs()
      const answer = await Promise.race([waiting, sleep(20_000, undefined)])
      return within(answer && 'hold' in answer ? answer.grantedMs - releasedMs : undefined, 15_000, 'served', 20_000)
    },
  },
  {
    id: 'replayed-acquire',
    title: 'The network delivers an acquire once more, after its release',
    expected: 'nobody waits for the ghost longer than its ttl',
    stores: ['redis'],
    async run(rig) {
      const first = await rig.behindProxy()
      const other = await rig.process()
      rig.proxy.replayAfterMs(600)
      const grant = await first.hold(rig.key, rig.wish())
      rig.proxy.replayAfterMs(0)
      await first.release(grant)
      await sleep(700)
      const answer = await other.acquire(rig.key, rig.wish({ waitMs: 5 * rig.ttlMs }))
      const tookMs = 'hold' in answer ? answer.grantedMs - answer.askedMs : undefined
      return within(tookMs, rig.ttlMs, 'granted', 5 * rig.ttlMs)
    },
  },
]

const short = (error: string): string => error.slice(0, 60)
