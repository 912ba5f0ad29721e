import { expect, test } from 'vitest'
import { world } from '../support/world.js'

const spanMs = 10_000
const each = 8

interface User {
  readonly writes: boolean
  served: number
  longestWaitMs: number
}

test('readers and writers of two processes, none of whom rests, are all served: nobody starves, and readers share', async () => {
  const { time, holdfast, other } = world()
  const processes = [holdfast, other()]
  const users: User[] = []
  const inside = { readers: 0, writers: 0, mostReaders: 0, faults: 0 }
  let over = false

  const enter = ({ writes }: User, by: 1 | -1): void => {
    inside[writes ? 'writers' : 'readers'] += by
    inside.mostReaders = Math.max(inside.mostReaders, inside.readers)
    if (inside.writers > 1 || (inside.writers === 1 && inside.readers > 0)) inside.faults++
  }
  const loops = processes.flatMap(({ rwLock }) => {
    const { read, write } = rwLock('config', { wait: true, ttl: '10s' })
    return Array.from({ length: each + 2 }, async (_, index) => {
      const user: User = { writes: index >= each, served: 0, longestWaitMs: 0 }
      users.push(user)
      while (!over) {
        const askedMs = time.nowMs()
        const lease = await (user.writes ? write : read).acquire()
        user.longestWaitMs = Math.max(user.longestWaitMs, time.nowMs() - askedMs)
        user.served++
        enter(user, 1)
        await new Promise<void>((resolve) => void time.setTimer(resolve, 5 + (index % 4) * 3, true))
        enter(user, -1)
        await lease.release()
      }
    })
  })
  await time.advance(spanMs)
  over = true
  const done = Promise.all(loops)
  await time.advanceUntil(() => inside.readers + inside.writers === 0, 1_000)
  await done

  const readers = users.filter(({ writes }) => !writes)
  const writers = users.filter(({ writes }) => writes)
  expect(inside.faults).toBe(0)
  expect(inside.mostReaders).toBeGreaterThan(each) // of both processes
  // In front of anybody stand at most four writers of up to 14 ms, and the readers between them: four times 14 ms.
  expect(Math.max(...users.map(({ longestWaitMs }) => longestWaitMs))).toBeLessThan(200)
  for (const kind of [readers, writers]) {
    const served = kind.map((user) => user.served)
    expect(Math.min(...served)).toBeGreaterThan(spanMs / 200)
    expect(Math.max(...served) / Math.min(...served)).toBeLessThan(1.5)
  }
  await Promise.all(processes.map(({ close }) => close()))
})
