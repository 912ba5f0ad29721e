import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createHoldfast, type StoreSpec } from 'holdfast'
import { redis } from 'holdfast/redis'
import { expect, onTestFinished, test } from 'vitest'
import { printed } from '../support/printed.js'
import { clientKinds } from './clients.js'
import { freshKey, ownRedis } from './support.js'

const secret = 'pl4nted/s3cret@p:w'
const encoded = encodeURIComponent(secret)
const channels = ['acquired', 'contended', 'released', 'ended', 'renewed', 'store-failed'].map(
  (name) => `holdfast:${name}`,
)

/** All that is told on the way: warnings, messages of the channels. */
function listen(): unknown[] {
  const told: unknown[] = []
  const note = (message: unknown): void => void told.push(message)
  for (const channel of channels) subscribe(channel, note)
  onTestFinished(() => {
    for (const channel of channels) unsubscribe(channel, note)
  })
  return told
}

test.each([...clientKinds.map(({ name }) => name), 'our own connection', 'our own connection, by its URL'])(
  'the password is told nowhere, by %s, whatever fails',
  async (name) => {
    const server = await ownRedis()
    await server.command('ACL', 'SETUSER', 'app', 'on', `>${secret}`, '~holdfast:*', '~{*holdfast:*', '&*', '+@all')
    const url = `redis://app:${encoded}@127.0.0.1:${server.port}`
    const opened = await clientKinds.find((kind) => kind.name === name)?.open(url, { enableReadyCheck: false })
    onTestFinished(() => opened?.end())
    const store: StoreSpec = name.endsWith('URL') ? url : redis(opened?.client ?? url)
    const told = listen()
    const failing = async (call: () => unknown): Promise<void> => {
      const outcome: unknown = await Promise.resolve()
        .then(call)
        .catch((error: unknown) => error)
      expect(outcome).toBeInstanceOf(Error)
      told.push(outcome)
    }
    const logger = { warn: (message: string) => told.push(message) }
    const holdfast = createHoldfast({ store, storeTimeout: '300ms', logger })
    const [key, second] = [freshKey(), freshKey()]
    const lease = await holdfast.lock(key, { ttl: '500ms', label: 'label' }).acquire()
    await failing(() => holdfast.lock(key).acquire())
    await failing(() => holdfast.lock(key, { wait: '20ms' }).acquire())
    const outside = createHoldfast({ store, prefix: 'outside:', logger })
    await failing(() => outside.lock(second).acquire()) // NOPERM
    told.push(await holdfast.lock(key).inspect(), holdfast, holdfast.lock(key), lease, store === url ? '' : store)
    server.pause()
    await failing(() => holdfast.lock(second).acquire())
    await failing(() => holdfast.lock(key).inspect())
    await expect.poll(() => lease.active).toBe(false)
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
    for (const part of [secret, encoded, encoded.toLowerCase(), 's3cret']) expect(texts).not.toContain(part)
  },
)
