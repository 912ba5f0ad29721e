import assert from 'node:assert/strict'
import { ownersOf, rule } from './scene.js'
import type { Rule } from './scene.js'

export const keys: readonly Rule[] = [
  rule('tells keys apart that differ in anything at all', async ({ actor, inspect, key }) => {
    const holders = endings.map((ending) => actor(JSON.stringify(ending), { key: `${key}${ending}` }))
    for (const holder of holders) await holder.take()
    for (const holder of holders) {
      const { key: own } = holder.request()
      const record = await inspect(own)
      assert.deepEqual([record?.key, ownersOf(record)], [own, [holder.owner]])
      await actor('another', { key: own }).isRefused()
    }
    for (const [index, holder] of holders.entries()) {
      assert.equal(await holder.release(), true)
      const next = holders[index + 1]
      assert.ok(
        next === undefined || (await next.holds()),
        `the key after ${JSON.stringify(endings[index])} stays held`,
      )
    }
  }),

  rule('holds pools and queues of strange keys apart too', async ({ actor, inspect, key }) => {
    const wish = { limit: 2 }
    const crowds = endings.map((ending) =>
      ['anna', 'ben'].map((label) => actor(label, { key: `${key}${ending}`, wish })),
    )
    for (const one of crowds.flat()) await one.take()
    for (const [index, crowd] of crowds.entries()) {
      const own = `${key}${endings[index]}`
      await actor('carl', { key: own, wish }).isRefused({ queueMs: 20_000 })
      assert.deepEqual(ownersOf(await inspect(own)), crowd.map(({ owner }) => owner).sort())
    }
  }),

  rule('takes keys of 1,024 bytes after the prefix', async ({ actor, inspect, key }) => {
    const fill = 'x'.repeat(1_023)
    const wide = '漢'.repeat(341)
    const long = [`${fill}1`, `${fill}2`, fill, `${wide}1`, `${wide}2`].map((text) =>
      actor('anna', { key: `${key}:${text}` }),
    )
    for (const one of long) await one.take()
    for (const one of long) assert.deepEqual(ownersOf(await inspect(one.request().key)), [one.owner])
    for (const one of long) assert.equal(await one.release(), true)
  }),
]

/** All of them are keys of their own. Some look like the names a store may give to its own records. */
const endings = [
  ...[
    '',
    ' ',
    '  ',
    '\t',
    '\n',
    '\u0000',
    '\u0000a',
    'a',
    'A',
    'a ',
    ' a',
    'ä',
    'a\u0308',
    'Ä',
    'ß',
    'ss',
    'ı',
    'i',
    'I',
  ],
  ...[
    '🦊',
    '漢字',
    '\u200b',
    '\u202e',
    '\ufeff',
    '\uffff',
    '*',
    '?',
    '[a]',
    '\\',
    '%',
    '_',
    "'",
    '"',
    '`',
    ';--',
    '/',
    '..',
  ],
  ...[
    '{',
    '}',
    '{}',
    '}{',
    '{}{}',
    '{a}',
    'a{b}',
    'a}b{',
    ':',
    '::',
    ':{}',
    '{a}:b',
    '{a:b}',
    '#',
    '@',
    '|',
    ',',
    '.',
    '-',
  ],
  ...[
    ':q',
    ':queue',
    ':waiters',
    ':holders',
    ':token',
    ':tokens',
    ':fence',
    ':limit',
    ':meta',
    ':wake',
    ':revoked',
    ':info',
  ],
  ...['__proto__', 'constructor', 'toString', '0', '00', '0.0', '1e3', '1000', 'null', 'undefined', 'true', 'NaN'],
]
