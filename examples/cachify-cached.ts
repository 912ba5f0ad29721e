// py-cachify, "cached": decoding, defaults, precedence of ttl, methods, static methods, two layers.
import { cached, createHoldfast, configure, NotConfiguredError } from 'holdfast'
import { settings } from './support/settings.js'

try {
  await cached('too-early')(async () => 1)()
} catch (error) {
  if (!(error instanceof NotConfiguredError)) throw error
  console.log('not configured yet') // CachifyInitError
}

configure({ ...settings, cacheTtl: '60s' }) // init_cachify(default_cache_ttl=60)

// #region ttl
const byDefault = cached('by-default-{n}')(async (n: number) => n * 2) // 60 s
const byItself = cached('by-itself-{n}', { ttl: '30s' })(async (n: number) => n * 2) // 30 s
const forEver = cached('for-ever-{n}', { ttl: null })(async (n: number) => n * 2) // until it is reset
// #endregion
console.log(`${await byDefault(1)} ${await byItself(2)} ${await forEver(3)}`)
await forEver.reset(3)

// #region program
const sumTwo = cached('sum_two-{a}-{b}')(async (a: number, b = 10) => {
  console.log(`computing ${a} + ${b}`)
  return a + b
})
console.log(`${await sumTwo(5)} ${await sumTwo(5, 10)} ${await sumTwo(5, 5)}`)
console.log(`reset: ${await sumTwo.reset(5)}, again: ${await sumTwo.reset(5, 10)}`)

class Report {
  static readonly unit = 'pages'
  @cached('length-{this.unit}-{name}')
  static async lengthOf(name: string): Promise<string> {
    console.log(`computing the length of ${name}`)
    return `${name.length} ${this.unit}`
  }
}
console.log(`${await Report.lengthOf('annual')} ${await Report.lengthOf('annual')}`)
// #endregion

// #region codec
const dates = { encode: (date: Date) => date.toJSON(), decode: (text: string) => new Date(text) }
const birthdayOf = cached('birthday-{id}', { codec: dates })(async (id: number) => new Date(id)) // enc_dec=(…, …)
// #endregion
await birthdayOf(0)
console.log(`a date: ${(await birthdayOf(0)).getFullYear()}`)

// #region layers
const local = createHoldfast({ prefix: 'LOCAL-' }) // init_cachify(is_global=False, prefix='LOCAL-')
const expensive = local.cached('local-expensive-{x}', { ttl: '5s' })(
  cached('expensive-{x}', { ttl: '60s' })(async (x: number) => {
    console.log(`computing ${x} × 10`)
    return x * 10
  }),
)
await expensive(1)
await expensive(1)
await expensive.reset(1) // both layers
console.log(`${await expensive(1)}`)
// #endregion
await local.close()
