import { virtualEnv } from 'holdfast/testing'
import { expect, test } from 'vitest'
import type { Env } from '../../src/core/env.js'
import { perform, type Task } from '../../src/core/timers.js'
import { Pulse } from '../../src/core/pulse.js'

test('a beat keeps no process alive, and is given up with the last who waits for it', () => {
  const time = virtualEnv()
  const pulse = new Pulse(time, 1_000)
  const members = [1, 2].map(() => pulse.join(() => undefined))
  expect(time.pendingTimers).toBe(1)
  expect(time.keepAliveTimers).toBe(0)
  members[0]?.clear()
  members[0]?.clear()
  expect(time.pendingTimers).toBe(1)
  members[1]?.clear()
  expect(time.pendingTimers).toBe(0)
  pulse.join(() => undefined)
  expect(time.pendingTimers).toBe(1)
})

test('a beat that comes while the last one is not done waits its turn', () => {
  const immediates: (() => void)[] = []
  let timer: Task | undefined
  const env: Partial<Env> = {
    setTimer: (task) => {
      timer = task
      return { clear: () => undefined }
    },
    setImmediate: (run) => void immediates.push(run),
  }
  const pulse = new Pulse(env as Env, 1_000)
  let called = 0
  const join = (times: number): void => {
    for (let time = 0; time < times; time++) pulse.join(() => called++)
  }
  const beat = (): void => {
    if (timer !== undefined) perform(timer)
  }
  join(700)
  beat()
  expect(called).toBe(500)
  join(100)
  beat()
  expect(called).toBe(500)
  expect(immediates).toHaveLength(1)
  immediates.shift()?.()
  expect(called).toBe(800)
  expect(immediates).toHaveLength(0)
})
