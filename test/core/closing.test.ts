import { HoldfastError } from 'holdfast'
import { expect, test } from 'vitest'
import { world } from '../support/world.js'

test('who holds is told that its instance is being closed, and what to do', async () => {
  const { holdfast, time } = world()
  const [before, after] = [await holdfast.lock('before').acquire(), await holdfast.lock('after').acquire()]
  const { closing } = before
  expect(before.closing).toBe(closing)
  expect(closing.aborted).toBe(false)
  const closed = holdfast.close({ drainMs: '10s' })
  for (const lease of [before, after]) {
    expect(lease.closing.reason).toBeInstanceOf(HoldfastError)
    expect(lease.closing.reason).toMatchObject({ code: 'CLOSING', key: lease.key })
    expect((lease.closing.reason as Error).message).toBe(
      `${lease.key}: its holdfast instance is being closed. Finish the work and release it: it is held for a little longer at most.`,
    )
  }
  expect(before.closing).toBe(closing)
  await time.advance(10_000)
  await closed
  expect([before.active, after.active]).toEqual([false, false])
})
