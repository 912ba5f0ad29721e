/** Renewal, tokens, names, and what is left behind. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Case } from '../rig.js'
import { failed, passed } from '../verdicts.js'
import { restored } from './servers.js'

const MONTH_MS = 30 * 24 * 3_600_000

const names: readonly string[] = [
  'a',
  'A',
  'a ',
  ' a',
  '\u00e1',
  'a\u0301',
  'a\0',
  '{a}',
  'a:b',
  'a/b',
  'a*',
  '__proto__',
  'constructor',
  'ключ',
  '🔒',
  'x'.repeat(200),
  '\ud800',
  '\udfff',
  `${'x'.repeat(5000)}1`,
  `${'x'.repeat(5000)}2`,
]

export const upkeep: readonly Case[] = [
  {
    id: 'commands-of-renewal',
    title: 'A lock with a ttl of 1 s is held for 3 s',
    expected: 'at most 10 commands a second',
    stores: ['redis'],
    needs: ['renewal'],
    async run(rig) {
      const holder = await rig.process()
      await holder.hold(rig.key, rig.wish())
      const before = await rig.commands()
      await sleep(3000)
      const rate = ((await rig.commands()) - before) / 3
      return { pass: rate <= 10, reason: `${rate.toFixed(1)} a second` }
    },
  },
  {
    id: 'commands-after-loss',
    title: 'A held lock is deleted in the store',
    expected: 'at most 10 commands a second from then on',
    stores: ['redis'],
    needs: ['renewal'],
    async run(rig) {
      const holder = await rig.process()
      await holder.hold(rig.key, rig.wish())
      const before = await rig.commands()
      await rig.server.command('FLUSHALL')
      await sleep(3000)
      const rate = ((await rig.commands()) - before) / 3
      return { pass: rate <= 10, reason: `${rate.toFixed(1)} a second` }
    },
  },
  {
    id: 'commands-after-release',
    title: 'A lock is released',
    expected: 'nothing more is sent for it',
    stores: ['redis'],
    async run(rig) {
      const holder = await rig.process()
      const grant = await holder.hold(rig.key, rig.wish())
      await sleep(0.7 * rig.ttlMs)
      await holder.release(grant)
      await sleep(200)
      const before = await rig.commands()
      await sleep(2.5 * rig.ttlMs)
      const sent = (await rig.commands()) - before
      return sent === 0 ? passed('nothing') : failed(`${sent} commands`)
    },
  },
  {
    id: 'ttl-of-a-month',
    title: 'A lock with a ttl of 30 days is held for 2 s',
    expected: 'timers do not run wild: at most 10 commands a second, less than 0.5 s of processor time',
    stores: ['redis', 'file'],
    needs: ['renewal'],
    async run(rig) {
      const holder = await rig.process()
      const sent = (): Promise<number> => (rig.library.store === 'redis' ? rig.commands() : Promise.resolve(0))
      const answer = await holder.acquire(rig.key, rig.wish({ ttlMs: MONTH_MS }))
      if ('error' in answer) return passed(`refuses it: ${answer.error.slice(0, 50)}`)
      await sleep(300)
      const [usedBefore, sentBefore] = [await holder.ask({ do: 'cpu' }), await sent()]
      await sleep(2000)
      const rate = ((await sent()) - sentBefore) / 2
      const usedMs = (await holder.ask({ do: 'cpu' })) - usedBefore
      const reason = `${rate.toFixed(1)} commands a second, ${Math.round(usedMs)} ms of processor time`
      return { pass: usedMs < 500 && rate <= 10, reason }
    },
  },
  {
    id: 'tokens-grow',
    title: 'Release, FLUSHALL, a restart without data, with old data, and a clock set back by an hour between grants',
    expected: 'each token is larger than the one before',
    stores: ['redis'],
    needs: ['token'],
    async run(rig) {
      const one = await rig.process()
      const tokens: number[] = []
      const upheavals = [
        () => Promise.resolve(),
        () => rig.server.command('FLUSHALL'),
        async () => {
          await rig.server.command('FLUSHALL')
          await rig.server.kill()
          await rig.server.start()
        },
        () => restored(rig, () => Promise.resolve()),
        () => {
          rig.moveServerClock(-3_600_000)
          return Promise.resolve()
        },
        () => Promise.resolve(),
      ]
      for (const upheaval of upheavals) {
        const grant = await one.hold(rig.key, rig.wish({ waitMs: 5000 }))
        tokens.push(grant.token ?? 0)
        await one.release(grant)
        await upheaval()
      }
      const grows = tokens.every((token, at) => at === 0 || token > (tokens[at - 1] ?? 0))
      return { pass: grows, reason: grows ? 'each is larger' : tokens.join(', ') }
    },
  },
  {
    id: 'names',
    title:
      'Names that differ in case, spaces, accents, NUL, braces, half a character, the 5,000th one, or that objects know',
    expected: 'each is a lock of its own',
    stores: ['redis', 'memory', 'file'],
    async run(rig) {
      const own = await rig.process()
      const shared: string[] = []
      let refused = 0
      for (const name of names) {
        const answer = await own.acquire(name, rig.wish({ ttlMs: 20_000 }))
        if ('error' in answer) refused++
        else if (!('hold' in answer)) shared.push(JSON.stringify(name))
      }
      if (shared.length > 0) return failed(`taken for another: ${shared.join(', ')}`)
      return passed(
        refused === 0 ? `${names.length} of ${names.length}` : `${names.length - refused}, ${refused} are refused`,
      )
    },
  },
  {
    id: 'own-database',
    title: 'The client’s URL names database 3',
    expected: 'the lock stands there, and nowhere else',
    stores: ['redis'],
    async run(rig) {
      const place = `${rig.server.url}/3`
      const own = await rig.process({ place })
      await own.hold(rig.key, rig.wish({ ttlMs: 20_000 }))
      const elsewhere = await rig.server.command('DBSIZE')
      const third = await rig.process({ place })
      const answer = await third.acquire(rig.key, rig.wish())
      if ('hold' in answer) return failed('two hold at once')
      return elsewhere === 0 ? passed('there') : failed(`${String(elsewhere)} keys in database 0`)
    },
  },
  {
    id: 'keys-left',
    title: '50 locks are released, one is left to its ttl',
    expected: 'no key stays in the store for ever',
    stores: ['redis'],
    async run(rig) {
      const own = await rig.process()
      for (let at = 0; at < 50; at++) await own.release(await own.hold(`${rig.key}-${at}`, rig.wish()))
      await own.hold(rig.key, rig.wish())
      await own.kill()
      await sleep(1.3 * rig.ttlMs)
      const script = `local n = 0
        for _, name in ipairs(redis.call('KEYS', '*')) do if redis.call('PTTL', name) == -1 then n = n + 1 end end
        return n`
      const left = Number(await rig.server.command('EVAL', script, '0'))
      return left === 0 ? passed('none') : failed(`${left} keys`)
    },
  },
]
