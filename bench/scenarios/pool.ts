/** P1: several hold at a time. */
import type { Column, Scenario } from '../harness/scenario.js'
import { contest } from './contended.js'

const columns: Column[] = [
  { key: 'rate', title: 'acquisitions / s', digits: 0 },
  { key: 'inUse', title: 'permits in use %', digits: 1 },
  { key: 'mostInside', title: 'most at once', digits: 0, total: 'max' },
  { key: 'jain', title: 'Jain', digits: 2 },
  { key: 'longestWait', title: 'longest wait ms', digits: 0, total: 'max' },
  { key: 'sent', title: 'sent', digits: 2 },
  { key: 'executed', title: 'executed', digits: 1 },
  { key: 'clientCpu', title: 'client CPU µs', digits: 0 },
  { key: 'redisCpu', title: 'Redis CPU µs', digits: 0 },
  { key: 'failed', title: 'failed', digits: 0, total: 'sum', rare: true },
  { key: 'stuck', title: 'stuck', digits: 0, total: 'sum', rare: true },
]

export const p1: Scenario = {
  id: 'P1',
  title: 'On Redis: a pool of 10 permits',
  about:
    'Two processes with 32 waiters each, sections of 2 ms. Permits in use: the share of time in which the ten were held, from acquisition to the call of the release. More than ten at once, or a token given twice, make a run void.',
  store: 'redis',
  columns,
  cases: [
    {
      id: 'P1',
      title: '10 permits, 64 waiters',
      fits: ({ fits }) => fits.includes('pool'),
      primary: 'inUse',
      better: 'high',
      floor: 'floor-blpop',
      measure: (bench) => contest(bench, { processes: 2, waiters: 32, sectionMs: 2, windowMs: 3000, max: 10 }),
    },
  ],
}
