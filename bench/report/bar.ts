/** What a bar is made of. */
import type { Results } from '../harness/results.js'
import type { Found } from './find.js'

export interface Bar {
  readonly what: string
  readonly case: string
  readonly bar: string
  readonly digits: number
  /** NaN: not measured. */
  measured(found: Found, results: Results): number
  met(value: number): boolean
}

export const us = 'holdfast'

/** The ratio to the best peer by that figure. */
export const overPeer = (found: Found, key: string, better: 'low' | 'high'): number => {
  const peer = found.peer(key, better)
  return peer === undefined ? Number.NaN : found.times(us, peer.library, key)
}

export const atMost = (limit: number) => (value: number) => value <= limit
export const atLeast = (limit: number) => (value: number) => value >= limit
