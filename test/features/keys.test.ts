import { describe, expect, it } from 'vitest'
import { InvalidKeyError, LockedError, LockLostError } from 'holdfast'
import { onEachBackend } from './support/backends.js'
import { failureOf, freshKey, thrownBy } from './support/tools.js'

/** Each of them is a key of its own, on every store. `x` stands for what makes it fresh. */
const distinct: readonly ((x: string) => string)[] = [
  (x) => x,
  (x) => x.toUpperCase(),
  (x) => `${x} `,
  (x) => ` ${x}`,
  (x) => `${x}\t`,
  (x) => `${x}\n`,
  (x) => `${x}\r\n`,
  (x) => `${x}\0`,
  (x) => `${x}\0\0`,
  (x) => `\0${x}`,
  (x) => `{${x}}`,
  (x) => `{${x}`,
  (x) => `${x}}`,
  (x) => `{}${x}`,
  (x) => `{{${x}}}`,
  (x) => `{a}${x}`,
  (x) => `{b}${x}`,
  (x) => `${x}:token`,
  (x) => `${x}:leases`,
  (x) => `${x}*`,
  (x) => `${x}?`,
  (x) => `${x}[a]`,
  (x) => `${x}\\`,
  (x) => `${x}/../${x}`,
  (x) => `${x}%20`,
  (x) => `${x}'"\``,
  (x) => `${x}é`, // one character
  (x) => `${x}e\u0301`, // the same to the eye, two characters
  (x) => `${x}ß`,
  (x) => `${x}ss`,
  (x) => `${x}ı`,
  (x) => `${x}🔒`,
  (x) => `${x}\uFEFF`,
  (x) => `${x}\u200B`,
  (x) => `${x}\uFFFD`,
  (x) => `${x}日本語`,
  (x) => `${x}${'a'.repeat(1024 - x.length)}`,
  (x) => `${x}${'a'.repeat(1023 - x.length)}`,
  (x) => `${x}${'a'.repeat(1023 - x.length)}b`,
]

const refused: Readonly<Record<string, string>> = {
  empty: '',
  '1,025 bytes long': 'a'.repeat(1025),
  '1,025 bytes long in 342 characters': `${'€'.repeat(341)}ab`,
  '10 kB long': 'k'.repeat(10_240),
  '1 MB long': 'k'.repeat(1 << 20),
  'a lone high surrogate': 'a\uD83Db',
  'a lone low surrogate': 'a\uDD12b',
  'surrogates in the wrong order': '\uDD12\uD83D',
  'a half of an emoji': '🔒'.slice(0, 1),
}

describe('a key', () => {
  onEachBackend(({ open }) => {
    it.each(Object.entries(refused))('that is %s is refused where it is written', (_, key) => {
      const error = thrownBy(() => open().lock(key))
      expect(error).toBeInstanceOf(InvalidKeyError)
      expect(error).toMatchObject({ name: 'InvalidKeyError', code: 'INVALID_KEY', key })
      expect(error.message.length).toBeLessThan(200)
    })

    it.each(Object.entries(refused))('that is %s is refused when a function makes it', async (_, key) => {
      const wrapped = open().lock((text: string) => text)(async (_text: string) => 'ran')
      expect(await failureOf(() => wrapped(key))).toMatchObject({ code: 'INVALID_KEY', key })
      const byTemplate = open().lock('{0}')(async (_text: string) => 'ran')
      expect(await failureOf(() => byTemplate(key))).toMatchObject({ code: 'INVALID_KEY', key })
    })

    it('may be 1,024 bytes long, in one-byte characters and in others', async () => {
      const { lock } = open()
      const ascii = freshKey().padEnd(1024, 'x')
      const euros = `${'€'.repeat(328)}${freshKey()}`
      expect(Buffer.byteLength(ascii)).toBe(1024)
      expect(Buffer.byteLength(euros)).toBe(1024)
      for (const key of [ascii, euros]) {
        const lease = await lock(key).acquire()
        expect(lease.key).toBe(key)
        expect(await lock(key).tryAcquire()).toBeUndefined()
        expect(await lease.release()).toBe(true)
      }
    })

    it('excludes only itself: keys that differ in case, spaces, NUL, braces or accents are others', async () => {
      const { lock } = open({ prefix: `${freshKey()}:` })
      const x = freshKey('k').slice(0, 12)
      const keys = distinct.map((make) => make(x))
      expect(new Set(keys).size).toBe(keys.length)
      const leases = await Promise.all(keys.map((key) => lock(key).acquire()))
      for (const [index, lease] of leases.entries()) {
        const key = keys[index] ?? ''
        expect(lease.key).toBe(key)
        expect(await lock(key).tryAcquire()).toBeUndefined()
        expect((await lock(key).inspect())?.key).toBe(key)
      }
      for (const lease of leases) expect(await lease.release()).toBe(true)
      for (const key of keys) expect(await lock(key).isLocked()).toBe(false)
    })

    it('is told without the prefix: by handles, leases and errors', async () => {
      const { lock } = open({ prefix: 'secret-prefix:' })
      const key = freshKey()
      const handle = lock(key, { wait: '100ms' })
      const lease = await handle.acquire()
      const late = await failureOf(() => handle.acquire())
      const refusal = await failureOf(() => lock(key).acquire())
      await lock(key).forceRelease()
      const lost: unknown = lease.signal.reason
      expect([handle.key, lease.key, late.key, refusal.key]).toEqual([key, key, key, key])
      expect(refusal).toBeInstanceOf(LockedError)
      expect(lost).toBeInstanceOf(LockLostError)
      expect((lost as LockLostError).key).toBe(key)
      const texts = [late, refusal, lost].map(String).join()
      expect(texts).toContain(key)
      expect(texts).not.toContain('secret-prefix')
    })
  })
})

describe('the prefix of an instance', () => {
  onEachBackend(({ open }) => {
    it('keeps instances on one store apart', async () => {
      const [blue, green, blueAgain] = [
        open({ prefix: 'blue:' }),
        open({ prefix: 'green:' }),
        open({ prefix: 'blue:' }),
      ]
      const key = freshKey()
      await blue.lock(key).acquire()
      expect(await green.lock(key).isLocked()).toBe(false)
      expect(await green.lock(key).tryAcquire()).toBeDefined()
      expect(await blueAgain.lock(key).tryAcquire()).toBeUndefined()
    })

    it('is holdfast: when none is given, and may be empty', async () => {
      const key = freshKey()
      await open().lock(key).acquire()
      expect(await open({ prefix: 'holdfast:' }).lock(key).isLocked()).toBe(true)
      expect(await open({ prefix: '' }).lock(`holdfast:${key}`).isLocked()).toBe(true)
      expect(await open({ prefix: '' }).lock(key).isLocked()).toBe(false)
    })

    it('does not count in the length of a key', async () => {
      const { lock } = open({ prefix: 'p'.repeat(2000) })
      const lease = await lock(freshKey().padEnd(1024, 'x')).acquire()
      expect(await lease.release()).toBe(true)
    })
  })
})
