import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, inject, test } from 'vitest'

test('the first acquire of a process may take longer than a third of its ttl: the driver is being loaded', async () => {
  const program = `
    import { createHoldfast } from 'holdfast'
    const { lock } = createHoldfast({ store: process.argv[1] })
    const lease = await lock('cold-' + process.pid, { ttl: '100ms' }).acquire()
    console.log(lease.active)`
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '-e',
    program,
    inject('redisUrl'),
  ])
  expect(stdout.trim()).toBe('true')
})
