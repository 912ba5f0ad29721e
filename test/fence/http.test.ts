import { InvalidOptionError } from 'holdfast'
import { fencedFetch, fenceGate, guardRequests, readTokenHeader, StaleTokenError, tokenHeader } from 'holdfast/fence'
import { onTestFinished, describe, expect, test } from 'vitest'
import { serve } from '../../examples/support/serve.js'

const held = { key: 'invoice-42', token: 1_763_740_800_123_456 }
const newer = { ...held, token: held.token + 1 }

function put(headers: Record<string, string> = {}): Request {
  return new Request('http://here/', { method: 'PUT', headers, body: 'paid' })
}

const paid = guardRequests(() => new Response('paid'))

describe('the header', () => {
  test('is a token, a space, and the percent-encoded key', () => {
    expect(tokenHeader(held)).toEqual({ 'Holdfast-Token': '1763740800123456 invoice-42' })
    expect(tokenHeader({ key: 'rechnung ü,1', token: 7 })).toEqual({ 'Holdfast-Token': '7 rechnung%20%C3%BC%2C1' })
  })

  test.each(['a', 'a b', 'ü,;="\n', '100%', '{x}', '🔒'.repeat(256)])('brings back the key %j', (key) => {
    expect(readTokenHeader(new Headers({ ...tokenHeader({ key, token: 7 }) }))).toEqual({ key, token: 7 })
  })

  test('is read from the headers of node:http too', () => {
    expect(readTokenHeader({ 'holdfast-token': '7 a' })).toEqual({ key: 'a', token: 7 })
    expect(readTokenHeader({ 'Holdfast-Token': '7 a', get: 'x' })).toEqual({ key: 'a', token: 7 })
    expect(() => readTokenHeader({ 'holdfast-token': ['7 a', '8 b'] })).toThrow('Holdfast-Token is')
    expect(readTokenHeader({})).toBeUndefined()
  })

  test.each([
    '',
    '7',
    '7 ',
    ' 7 a b',
    'a 7',
    '-7 a',
    '07 a',
    '7.0 a',
    '9007199254740992 a',
    '7 %',
    '7 a, 8 b',
    '7 %ED%A0%80',
    'x'.repeat(9000),
  ])('is malformed as %j', (value) => {
    expect(() => readTokenHeader({ 'holdfast-token': value })).toThrow(/Holdfast-Token is|The token of/)
  })
})

describe('a guarded handler', () => {
  test('answers 428 to a request without a token, and says what to send', async () => {
    const answer = await paid(put())
    expect(answer.status).toBe(428)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(await answer.json()).toMatchObject({
      status: 428,
      detail: expect.stringContaining('Holdfast-Token') as unknown,
    })
  })

  test('answers 400 to a malformed token', async () => {
    const answer = await paid(put({ 'holdfast-token': 'seven' }))
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ code: 'INVALID_OPTION' })
  })

  test('answers 412 to a stale token, and tells the newest', async () => {
    const handle = guardRequests(() => new Response('paid'))
    expect((await handle(put({ ...tokenHeader(newer) }))).status).toBe(200)
    expect((await handle(put({ ...tokenHeader(newer) }))).status).toBe(200)
    const answer = await handle(put({ ...tokenHeader(held) }))
    expect(answer.status).toBe(412)
    expect(readTokenHeader(answer.headers)).toEqual(newer)
    expect(await answer.json()).toMatchObject({
      code: 'STALE_TOKEN',
      key: held.key,
      token: held.token,
      latest: newer.token,
    })
  })

  test('answers 412 to what a guard further down refuses', async () => {
    const handle = guardRequests(() => {
      throw new StaleTokenError(held.key, held.token, newer.token)
    })
    expect((await handle(put({ ...tokenHeader(held) }))).status).toBe(412)
  })

  test('lets GET pass without a token, and checks one that it carries', async () => {
    const handle = guardRequests(() => new Response('paid'))
    expect((await handle(new Request('http://here/'))).status).toBe(200)
    const answer = await handle(new Request('http://here/', { headers: tokenHeader(newer) }))
    expect(answer.status).toBe(200)
    expect((await handle(put({ ...tokenHeader(held) }))).status).toBe(412)
  })

  test('that knows its key answers 400 to the token of another', async () => {
    const handle = guardRequests(() => new Response('paid'), { key: () => 'invoice-43' })
    const answer = await handle(put({ ...tokenHeader(held) }))
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ detail: expect.stringMatching(/invoice-42.*invoice-43/) as unknown })
  })

  test('that knows it needs no key lets pass what carries none', async () => {
    const handle = guardRequests(() => new Response('paid'), { key: () => undefined })
    expect((await handle(put())).status).toBe(200)
  })

  test('is given whatever else its caller passes', async () => {
    const handle = guardRequests((_request: Request, room: string, seat: number) => new Response(`${room} ${seat}`))
    expect(await (await handle(put({ ...tokenHeader(held) }), 'A', 7)).text()).toBe('A 7')
  })

  test('throws what its handler throws', async () => {
    const handle = guardRequests(() => Promise.reject(new Error('no paper')))
    await expect(handle(put({ ...tokenHeader(held) }))).rejects.toThrow('no paper')
  })

  test('has a request with a newer token wait until one with an older is answered', async () => {
    const order: string[] = []
    let answerOld = (): void => undefined
    const handle = guardRequests(async (request) => {
      const token = readTokenHeader(request.headers)?.token
      if (token === held.token) await new Promise<void>((resolve) => (answerOld = resolve))
      order.push(token === held.token ? 'old' : 'young')
      return new Response('paid')
    })
    const old = handle(put({ ...tokenHeader(held) }))
    const young = handle(put({ ...tokenHeader(newer) }))
    answerOld()
    expect((await young).status).toBe(200)
    expect((await old).status).toBe(200)
    expect(order).toEqual(['old', 'young'])
  })

  test('shares a gate with other handlers', async () => {
    const gate = fenceGate()
    const [pay, refund] = [guardRequests(() => new Response(), { gate }), guardRequests(() => new Response(), { gate })]
    await pay(put({ ...tokenHeader(newer) }))
    expect((await refund(put({ ...tokenHeader(held) }))).status).toBe(412)
  })

  test('refuses unknown options', () => {
    // @ts-expect-error it is called key
    expect(() => guardRequests(() => new Response(), { keys: () => 'a' })).toThrow(InvalidOptionError)
  })
})

describe('a fenced fetch', () => {
  async function site(): Promise<string> {
    const handle = guardRequests(async (request) => {
      const names = [...request.headers.keys()].filter((name) => /^(holdfast|x)-/.test(name))
      return Response.json({ method: request.method, names, body: await request.text() })
    })
    const { url, close } = await serve(handle)
    onTestFinished(close)
    return url
  }

  test('sends the token beside what else is sent', async () => {
    const url = await site()
    const answer = await fencedFetch(held)(url, { method: 'POST', body: 'paid', headers: { 'x-a': '1' } })
    expect(await answer.json()).toEqual({ method: 'POST', names: ['holdfast-token', 'x-a'], body: 'paid' })
  })

  test('takes a Request with its method, headers and body', async () => {
    const url = await site()
    const request = new Request(url, { method: 'PUT', body: 'paid', headers: { 'x-a': '1' } })
    const answer = await fencedFetch(held)(request)
    expect(await answer.json()).toEqual({ method: 'PUT', names: ['holdfast-token', 'x-a'], body: 'paid' })
  })

  test('rejects when the token is stale', async () => {
    const url = await site()
    await fencedFetch(newer)(url, { method: 'PUT', body: '' })
    const late = fencedFetch(held)(url, { method: 'PUT', body: '' })
    await expect(late).rejects.toMatchObject({ code: 'STALE_TOKEN', key: held.key, latest: newer.token })
  })

  test('gives a 412 that has another reason as it is', async () => {
    for (const headers of [{}, { 'holdfast-token': 'junk' }, tokenHeader({ key: 'other', token: 7 })]) {
      const using = async (): Promise<Response> => new Response('the tag differs', { status: 412, headers })
      const answer = await fencedFetch(held, using)('http://here/')
      expect(await answer.text()).toBe('the tag differs')
    }
  })

  test('is refused without a token', () => {
    expect(() => fencedFetch({ key: 'a', token: 0 })).toThrow(InvalidOptionError)
  })
})
