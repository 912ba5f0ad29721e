import { createHoldfast, memory, StoreError } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { failureOf, freshKey } from './support/tools.js'

describe('what a store of yours rejects with', () => {
  it.each([
    ['db://user:p4ss@host/x', 'db://user:***@host/x'],
    ['db://user:p4/s@p4:s@host', 'db://user:***@host'],
    ['db://:p4ss@host and db://other:p4ss@host', 'db://:***@host'],
  ])('is told without the password of a URL: %s', async (url, shown) => {
    const records = memory()
    const failing = {
      ...records,
      capabilities: { ...records.capabilities, sync: false } as const,
      acquire: () => Promise.reject(new Error(`cannot reach ${url}`)),
      renew: () => Promise.resolve(false),
      release: () => Promise.resolve(false),
      close: () => Promise.resolve(),
    }
    const holdfast = createHoldfast({ store: failing as never, storeTimeout: '20ms' })
    const error = await failureOf(() => holdfast.lock(freshKey()).acquire())
    expect(error).toBeInstanceOf(StoreError)
    expect(error.message).toContain(shown)
    expect(error.message).not.toContain('p4')
    await holdfast.close()
  })
})
