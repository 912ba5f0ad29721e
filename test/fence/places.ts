import { fencedFetch, fenceGate, guardRequests, redisGuard } from 'holdfast/fence'
import { serve } from '../../examples/support/serve.js'
import { Redis } from 'ioredis'
import { inject } from 'vitest'
import type { OpenPlace } from './late-write.js'

export const inMemory: OpenPlace = async (key) => {
  const gate = fenceGate()
  let value = ''
  return {
    guarded: async ({ token }, next) => {
      gate.admit(key, token)
      value = next
    },
    unguarded: async (next) => void (value = next),
    read: async () => value,
  }
}

export const overHttp: OpenPlace = async (key, opened) => {
  let value = ''
  const handle = async (request: Request): Promise<Response> => {
    value = await request.text()
    return new Response('done')
  }
  const guarded = guardRequests(handle, { key: () => key })
  const site = await serve((request) => (request.url.endsWith('/guarded') ? guarded(request) : handle(request)))
  opened.push(() => site.close())
  return {
    guarded: (held, body) => fencedFetch(held)(`${site.url}guarded`, { method: 'PUT', body }),
    unguarded: (body) => fetch(site.url, { method: 'PUT', body }),
    read: async () => value,
  }
}

export const onRedis: OpenPlace = async (key, opened) => {
  const client = new Redis(inject('redisUrl'))
  opened.push(() => client.disconnect())
  const guard = redisGuard(client)
  const name = `value:{${key}}`
  return {
    guarded: (held, value) => guard.set(held, name, value),
    unguarded: (value) => client.set(name, value),
    read: () => client.get(name),
  }
}
