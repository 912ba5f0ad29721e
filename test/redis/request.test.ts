import { describe, expect, test } from 'vitest'
import { InvalidOptionError } from '../../src/core/errors.js'
import { checked, times } from '../../src/stores/redis/request.js'
import { thrown } from '../support/thrown.js'
import { request } from './support.js'

describe('a request', () => {
  test('for more permits than there are is refused, for all of them it is not', () => {
    const whole = request('key', 'anna', { limit: 3, permits: 3 })
    expect(checked(whole)).toBe(whole)
    const error = thrown(() => checked({ ...whole, permits: 4 }))
    expect(error).toBeInstanceOf(InvalidOptionError)
    expect(error.message).toBe('A request for 4 permits can never be granted by a limit of 3.')
  })

  test('has a lease in whole milliseconds, and a token that is remembered for an hour longer', () => {
    expect(times(30_000)).toEqual(['30000', '3630000'])
    expect(times(0.2)).toEqual(['1', '3600001'])
    expect(times(1_000.2)).toEqual(['1001', '3601001'])
  })

  test.each([null, 0, -1, Number.NaN])('without an end, %j, is refused', (ttlMs) => {
    const error = thrown(() => times(ttlMs))
    expect(error).toBeInstanceOf(InvalidOptionError)
    expect(error.message).toBe('On Redis a lease needs an end: ttl has to be a time above 0.')
  })
})
