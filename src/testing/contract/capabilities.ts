import assert from 'node:assert/strict'
import type { Capabilities } from '../../core/store.js'
import { rule } from './scene.js'
import type { Rule } from './scene.js'
import type { OptionalPart } from './subject.js'

/** What it says of itself. */
export const capabilities: readonly Rule[] = [
  rule('declares what was promised of it, completely and without contradiction', ({ store, subject, promised }) => {
    const { capabilities: declared } = subject.store
    assert.deepEqual(
      { ...declared },
      { ...promised.capabilities },
      'what the store declares and what was promised are the same',
    )
    for (const [name, values] of Object.entries<readonly unknown[]>(possible)) {
      assert.ok(values.includes(declared[name as keyof Capabilities]), `the capability ${name} has one of its values`)
    }
    assert.notEqual(store.name, '', 'the store has a name for messages')
    assert.equal(
      declared.scope === 'process',
      declared.consistency === 'process',
      'scope and consistency agree on process',
    )
    if (declared.scope === 'process') {
      assert.equal(declared.crashRelease, 'instant', 'what is held in a process ends with it')
    } else {
      assert.ok('another' in subject, 'a store that others share is tested with a second client: give `another`')
    }
    for (const part of optionalParts) {
      assert.equal(store[part] !== undefined, promised.has.includes(part), `${part} is there when \`has\` names it`)
    }
    if (declared.wake === 'push') assert.ok(promised.has.includes('onNotice'), 'a store that pushes has onNotice')
  }),

  rule(
    'answers without a promise',
    ({ store, actor, key }) => {
      const anna = actor('anna')
      const answers = [
        store.acquire(anna.request()),
        store.renew(key, anna.owner, 1_000),
        store.inspect(key),
        store.list(key, 10),
        store.release(key, anna.owner),
        store.forceRelease(key),
      ]
      for (const answer of answers as unknown[]) assert.ok(!(answer instanceof Promise), 'the answer is not a promise')
    },
    ({ sync }) => sync,
  ),

  rule(
    'answers with promises, and fails with them too',
    async ({ subject, actor }) => {
      let impossible: unknown
      assert.doesNotThrow(() => (impossible = subject.store.acquire(actor('anna').request({ permits: 2 }))))
      assert.ok(impossible instanceof Promise, 'the answer is a promise, even where it is an error')
      await assert.rejects(impossible)
    },
    ({ sync }) => !sync,
  ),
]

const optionalParts: readonly OptionalPart[] = [
  'acquireAll',
  'wasRevoked',
  'resize',
  'onNotice',
  'selfRenewal',
  'values',
]

const possible: { readonly [Name in keyof Required<Capabilities>]: readonly Capabilities[Name][] } = {
  scope: ['process', 'machine', 'network'],
  crashRelease: ['instant', 'lease'],
  fair: [true, false],
  wake: ['push', 'poll'],
  token: ['durable', 'clock', 'none'],
  consistency: ['process', 'single-node', 'replicated', 'quorum'],
  sync: [true, false],
  adopts: [true, false, undefined],
}
