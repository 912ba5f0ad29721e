/** A limiter for each key that runs one job at a time; a hold is a job that ends when it is told to. */
import Bottleneck from 'bottleneck'
import { Redis } from 'ioredis'
import type { Instance, Setting } from '../library.js'

type Held = () => Promise<unknown>

export async function openBottleneck({ redisUrl }: Setting): Promise<Instance<Held>> {
  const { hostname: host, port } = new URL(redisUrl)
  const cluster = { datastore: 'ioredis', Redis, clientOptions: { host, port: Number(port) } } as const
  const group = new Bottleneck.Group({ id: 'bench', maxConcurrent: 1, ...cluster })
  group.on('error', () => undefined)
  return {
    acquire: (key, terms) => holdBy(group.key(key), terms?.ttlMs ?? 30_000),
    release: (held) => held(),
    close: () => group.disconnect(false),
  }
}

/** Its README asks for an expiration on every job when clustering. */
function holdBy(limiter: Bottleneck, expiration: number): Promise<Held> {
  return new Promise((resolve, reject) => {
    const job: Promise<unknown> = limiter.schedule({ expiration }, () => {
      return new Promise<void>((end) => {
        resolve(() => {
          end()
          return job
        })
      })
    })
    job.catch(reject)
  })
}
