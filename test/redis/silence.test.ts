import { describe, expect, test } from 'vitest'
import { Silence } from '../../src/stores/redis/silence.js'
import { type VirtualEnv, virtualEnv } from '../../src/testing/virtual-env.js'

function watch(): { env: VirtualEnv; silence: Silence; found: () => number } {
  const env = virtualEnv()
  let found = 0
  const silence = new Silence(env, () => (found += 1))
  return { env, silence, found: () => found }
}

describe('a connection', () => {
  test('is forgotten when nothing comes for 2.5 seconds after a call, which is told once', async () => {
    const { env, silence, found } = watch()
    silence.sent()
    silence.sent()
    expect(env.keepAliveTimers).toBe(0)
    await env.advance(2_499)
    expect(found()).toBe(0)
    await env.advance(1)
    expect(found()).toBe(1)
    await env.advance(60_000)
    expect(found()).toBe(1)
    expect(env.pendingTimers).toBe(0)
  })

  test('is not while anything comes, and is looked at again as long as calls are out', async () => {
    const { env, silence, found } = watch()
    silence.sent()
    silence.sent()
    await env.advance(1_000)
    silence.ended()
    await env.advance(1_500)
    expect(found()).toBe(0)
    await env.advance(2_499)
    expect(found()).toBe(0)
    await env.advance(1)
    expect(found()).toBe(1)
  })

  test('is not looked at while no call is out', async () => {
    const { env, silence, found } = watch()
    silence.sent()
    silence.ended()
    await env.advance(2_500)
    expect(env.pendingTimers).toBe(0)
    await env.advance(60_000)
    silence.sent()
    await env.advance(2_499)
    expect(found()).toBe(0)
    await env.advance(1)
    expect(found()).toBe(1)
  })

  test('that replaces a forgotten one may be forgotten as well, whatever ends of the calls of before', async () => {
    const { env, silence, found } = watch()
    silence.sent()
    await env.advance(2_500)
    silence.ended() // late
    silence.sent()
    await env.advance(2_500)
    expect(found()).toBe(2)
    silence.sent()
    silence.ended()
    await env.advance(2_500)
    expect(found()).toBe(2)
    expect(env.pendingTimers).toBe(0)
  })

  test('is not looked at after the end, with calls out or none', async () => {
    const { env, silence, found } = watch()
    silence.stop()
    silence.sent()
    silence.stop()
    expect(env.pendingTimers).toBe(0)
    await env.advance(10_000)
    expect(found()).toBe(0)
  })
})
