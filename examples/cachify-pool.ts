// py-cachify, "pool", "pooled" and "once": a full pool raises, size counts what is live, the end of a slot stops no body.
import { setTimeout as sleep } from 'node:timers/promises'
import { configure, LockedError, once, pool, PoolFullError } from 'holdfast'
import { settings } from './support/settings.js'

configure({ ...settings, logger: { warn: () => undefined } })

// #region pool
const apiPool = pool('api-pool', { max: 2 })
{
  await using _first = await apiPool.acquire()
  await using _second = await apiPool.acquire()
  console.log(`size: ${await apiPool.size()}`)
  try {
    await apiPool.acquire()
  } catch (error) {
    if (!(error instanceof PoolFullError)) throw error // CachifyPoolFullError
    console.log(`full: ${error.max} permits, ${error.holders.length} holders`)
  }
}
console.log(`size afterwards: ${await apiPool.size()}`)
// #endregion

// #region expiry
const slot = pool('slot', { max: 1, expire: '500ms' }) // the expiry of its slots
const outcome = await slot.run(async (lease) => {
  while ((await slot.size()) > 0) await sleep(10) // only live slots are counted
  const next = await slot.acquire() // somebody else's, while this body goes on
  return `the slot is ${lease.active ? 'ours' : 'over'}, another has it: ${next.active}`
})
console.log(outcome)
// #endregion

// #region pooled
class Importer {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }

  @pool('import-{this.name}-{kind}', { max: 1, onFull: (kind: string, size = 10) => `${kind} × ${size}: later` })
  async load(kind: string, size = 10): Promise<string> {
    const again = size > 1 ? await this.load(kind, 1) : 'done'
    return `${this.name}: ${kind} × ${size}, then ${again}`
  }
}
console.log(await new Importer('anna').load('books'))
// #endregion

// #region once
const report = once('report-{day}', { otherwise: 'in progress' })(async (day: string): Promise<string> => {
  return `${day}, and meanwhile: ${await report(day)}`
})
console.log(await report('monday'))

const strict = once('strict', { throwIfLocked: true })(async (): Promise<string> => strict())
console.log(await strict().catch((error: unknown) => (error instanceof LockedError ? error.code : 'another error')))
// #endregion
