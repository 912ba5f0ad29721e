import { beforeAll, describe, expect, it } from 'vitest'
import { type Ran, runExample } from './run-example.js'

describe('the tour of `npm start`', () => {
  let ran: Ran
  beforeAll(async () => {
    ran = await runExample('tour')
  })

  it('ends by itself, in good time', () => {
    expect(ran.lines.join('\n')).toContain('Who held it when')
    expect(ran.code).toBe(0)
    expect(ran.tookMs).toBeLessThan(20_000)
  })

  it('needs no colours', () => {
    expect(ran.lines.join('\n')).toMatch(/^[\n\x20-\x7e]*$/)
  })

  it('grants one worker after the other, in the order of their asking, with tokens that grow', () => {
    const grants = ran.lines.flatMap((line) => {
      const [, name, token] = /ms {2}(\w+) +is granted printer, token (\d+)$/.exec(line) ?? []
      return name === undefined ? [] : [{ name, token: Number(token) }]
    })
    expect(grants.map(({ name }) => name)).toEqual(['Ann', 'Bob', 'Cleo', 'Dan', 'Ann', 'Ann', 'Bob', 'Cleo', 'Dan'])
    const tokens = grants.map(({ token }) => token)
    expect(new Set(tokens).size).toBe(tokens.length)
    expect([...tokens].sort((a, b) => a - b)).toEqual(tokens)
  })

  it.each([
    [
      'a try that is rejected, with the text of the error',
      /warns: printer is already locked: held by "Ann" pid \d+ on /,
    ],
    ['its code', /Bob +is rejected by LockedError, code LOCKED$/],
    ['a wait that ends in vain', /Cleo +is rejected by LockTimeoutError, code LOCK_TIMEOUT$/],
    ['a hold that expires', /lease\.active is false, signal\.reason\.code is LOCK_EXPIRED$/],
    ['a hold that is released by force', /lease\.active is false, signal\.reason\.code is LOCK_REVOKED$/],
    ['a hold that is lost', /in the very tick .* lease\.active is false, signal\.reason\.code is LOCK_LOST$/],
    ['what run makes of that', /Dan +run\(\) throws LockLostError, code LOCK_LOST$/],
    ['who held it when', /^ {2}Bob {2}\| +\.+#+\]$/],
    ['the sum of it', /^11 requests: 9 granted, of which 3 ended early; 2 rejected\.$/],
  ])('shows %s', (_, pattern) => {
    expect(ran.lines).toContainEqual(expect.stringMatching(pattern))
  })
})
