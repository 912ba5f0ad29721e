import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createHoldfast, type StoreSpec } from 'holdfast'
import { blocking } from 'holdfast/blocking'
import { redis } from 'holdfast/redis'
import { expect, onTestFinished, test, vi } from 'vitest'
import { printed } from '../support/printed.js'
import { clientKinds } from './clients.js'
import { eventually, freshKey, ownRedis } from './support.js'

const secret = 'pl4nted/s3cret@p:w'
const encoded = encodeURIComponent(secret)
const channels = ['acquired', 'contended', 'released', 'ended', 'renewed', 'store-failed'].map(
  (name) => `holdfast:${name}`,
)

/** All that is told on the way: messages of the channels, warnings of the process, what is written to the console. */
function listen(): unknown[] {
  const told: unknown[] = []
  const note = (...messages: unknown[]): void => void told.push(...messages)
  for (const channel of channels) subscribe(channel, note)
  process.on('warning', note)
  const spies = (['log', 'info', 'warn', 'error', 'debug'] as const).map((method) =>
    vi.spyOn(console, method).mockImplementation(note),
  )
  onTestFinished(() => {
    for (const channel of channels) unsubscribe(channel, note)
    process.off('warning', note)
    for (const spy of spies) spy.mockRestore()
  })
  return told
}

const byUrl: Record<string, (url: string) => StoreSpec> = {
  'our own connection': (url) => redis(url),
  'our own connection, by its URL': (url) => url,
  'a worker of our own': (url) => blocking(url, { storeTimeout: '600ms' }),
}

test.each([...clientKinds.map(({ name }) => name), ...Object.keys(byUrl)])(
  'the password is told nowhere, nor an owner, by %s, whatever fails',
  async (name) => {
    const server = await ownRedis()
    await server.command('ACL', 'SETUSER', 'app', 'on', `>${secret}`, '~holdfast:*', '~{*holdfast:*', '&*', '+@all')
    const url = `redis://app:${encoded}@127.0.0.1:${server.port}`
    const opened = await clientKinds.find((kind) => kind.name === name)?.open(url, { enableReadyCheck: false })
    onTestFinished(() => opened?.end())
    const store: StoreSpec = opened === undefined ? (byUrl[name]?.(url) ?? url) : redis(opened.client)
    const told = listen()
    const failing = async (call: () => unknown): Promise<void> => {
      const outcome: unknown = await Promise.resolve()
        .then(call)
        .catch((error: unknown) => error)
      expect(outcome).toBeInstanceOf(Error)
      told.push(outcome)
    }
    const logger = { warn: (message: string) => told.push(message) }
    const holdfast = createHoldfast({ store, storeTimeout: '600ms', logger })
    const [key, second] = [freshKey(), freshKey()]
    const handle = holdfast.lock(key, { ttl: '2s', label: 'label' })
    const lease = await eventually(() => handle.acquire())
    const [owner = ''] = String(await server.command('GET', `holdfast:${key}`)).split('\n')
    await failing(() => holdfast.lock(key).acquire())
    await failing(() => holdfast.lock(key, { wait: '20ms' }).acquire())
    const outside = createHoldfast({ store, prefix: 'outside:', logger })
    await failing(() => outside.lock(second).acquire()) // NOPERM
    told.push(await eventually(() => handle.inspect()), holdfast, handle, lease, store === url ? '' : store)
    await server.command('ACL', 'SETUSER', 'app', 'off')
    const stranger = createHoldfast({ store: byUrl[name]?.(`${url}/1`) ?? url, logger })
    await failing(() => stranger.lock(second).acquire()) // WRONGPASS
    await stranger.close()
    await server.command('ACL', 'SETUSER', 'app', 'on')
    server.pause()
    await failing(() => holdfast.lock(second).acquire())
    await failing(() => holdfast.lock(key).inspect())
    await expect.poll(() => lease.active, { timeout: 10_000 }).toBe(false)
    told.push(lease.signal.reason)
    server.resume()
    await server.kill()
    await failing(() => holdfast.lock(second).acquire())
    await failing(() => holdfast.lock(second, { wait: '1s' }).acquire())
    await server.restart({ keepData: false }) // nobody knows the user any more
    await failing(() => holdfast.lock(second).acquire())
    await Promise.all([holdfast.close(), outside.close()])
    await failing(() => holdfast.lock(second).acquire())
    const texts = told.map(printed).join('\n')
    expect(texts).toContain('STORE_FAILED')
    expect(texts).toContain('LOCK_LOST')
    expect(owner).toMatch(/^[\w-]{22}\./)
    for (const part of [secret, encoded, encoded.toLowerCase(), 's3cret', owner, owner.slice(0, 22)]) {
      expect(texts).not.toContain(part)
    }
  },
)
