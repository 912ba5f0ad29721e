import type { AcquireRequest, Store } from '../../src/core/store.js'

export type RenewalFlaw = 'never renews' | 'ignores stop' | 'begins again' | 'ignores the limit'

/** A client that renews what it was granted by itself, at a third of the lease. */
export function selfRenewing(client: Store, flaw?: RenewalFlaw): Partial<Store> {
  const timers = new Map<string, NodeJS.Timeout>()
  const requests = new Map<string, AcquireRequest>()
  const renewedAtMs = new Map<string, number>()
  const nameOf = (key: string, owner: string): string => `${key} ${owner}`

  const renew = async (name: string, { key, owner, ttlMs, holder }: AcquireRequest): Promise<void> => {
    const endMs = flaw === 'ignores the limit' ? Infinity : holder.since + (holder.expireMs ?? Infinity)
    const leaseMs = Math.min(ttlMs ?? 0, endMs - Date.now())
    const sentMs = performance.now()
    if (leaseMs > 0 && timers.has(name) && (await client.renew(key, owner, leaseMs))) renewedAtMs.set(name, sentMs)
    else end(name)
  }
  const begin = (request: AcquireRequest): void => {
    const name = nameOf(request.key, request.owner)
    end(name)
    requests.set(name, request)
    if (flaw !== 'never renews') {
      timers.set(name, setInterval(() => void renew(name, request), (request.ttlMs ?? 0) / 3).unref())
    }
  }
  const end = (name: string): void => {
    clearInterval(timers.get(name))
    timers.delete(name)
  }
  return {
    acquire: async (request) => {
      const answer = await client.acquire(request)
      if (answer.granted) begin(request)
      return answer
    },
    renew: async (key, owner, ttlMs) => {
      const request = requests.get(nameOf(key, owner))
      if (flaw === 'begins again' && request) begin({ ...request, ttlMs })
      return client.renew(key, owner, ttlMs)
    },
    selfRenewal: {
      renewedAtMs: (key, owner) => renewedAtMs.get(nameOf(key, owner)),
      stop: (key, owner) => flaw === 'ignores stop' || end(nameOf(key, owner)),
    },
    close: () => {
      for (const name of timers.keys()) end(name)
      return client.close()
    },
  }
}
