import type { NoticeListener } from '../../../src/core/store.js'
import { seesExpired, tellsOnly, type Bug } from './bug.js'

export const forceBugs: readonly Bug[] = [
  {
    bug: 'says true to every forced release',
    caughtBy: 'frees a key by force, whoever holds it, and says whether anybody did',
    wrap: (client) => ({ forceRelease: async (key) => (await client.forceRelease(key)) || true }),
  },
  {
    bug: 'frees by force what has expired',
    caughtBy: 'answers false to a forced release of an expired hold',
    patch: (records) => ({ ...seesExpired('forceRelease')?.(records), inspect: () => undefined }),
  },
  {
    bug: 'ends one hold of a pool by force',
    caughtBy: 'ends every hold of a pool by force',
    patch: (records) => ({
      forceRelease: (key) => records.release(key, records.meet(key).holds[0]?.request.owner ?? ''),
    }),
  },
  {
    bug: 'frees everything by force',
    caughtBy: 'frees nothing but the key it is told',
    patch: (records) => ({
      forceRelease: () => {
        const isHeld = records.entries.size > 0
        records.entries.clear()
        return isHeld
      },
    }),
  },
  {
    bug: 'takes every lost hold for revoked',
    caughtBy: 'tells an owner that its hold was ended by force',
    patch: () => ({ wasRevoked: () => true }),
  },
  {
    bug: 'forgets whose hold was revoked',
    caughtBy: 'tells an owner that its hold was ended by force',
    patch: () => ({ wasRevoked: () => false }),
  },
  {
    bug: 'forgets the queue at a forced release',
    caughtBy: 'grants a key freed by force to the head of the queue',
    patch: (records) => ({ forceRelease: (key) => records.entries.delete(key) }),
  },
  {
    bug: 'tells nobody that it was granted the key',
    caughtBy: 'tells a waiter of another client that it was granted the key, with its token',
    patch: tellsOnly(({ type }) => type !== 'granted'),
  },
  {
    bug: 'tells another token than it grants',
    caughtBy: 'tells a waiter of another client that it was granted the key, with its token',
    patch: (records) => {
      const tell = records.tell.bind(records)
      return { tell: (notice) => tell(notice.type === 'granted' ? { ...notice, token: notice.token + 1 } : notice) }
    },
  },
  {
    bug: 'tells of a forced release later',
    caughtBy: 'tells its own listeners of a forced release before the call is answered',
    patch: (records) => {
      const tell = records.tell.bind(records)
      return { tell: (notice) => void setImmediate(() => tell(notice)) }
    },
  },
  {
    bug: 'tells only its own client',
    caughtBy: 'tells a holder of another client of a forced release',
    wrap: (client, records) => {
      const own = new Set<NoticeListener>()
      return {
        onNotice: (listener) => {
          own.add(listener)
          return () => void own.delete(listener)
        },
        forceRelease: (key) => {
          const others = [...records.listeners]
          records.listeners.clear()
          for (const listener of own) records.listeners.add(listener)
          return client.forceRelease(key).finally(() => {
            records.listeners.clear()
            for (const listener of others) records.listeners.add(listener)
          })
        },
      }
    },
  },
  {
    bug: 'closes the channel when one listener leaves',
    caughtBy: 'stops telling a listener that unsubscribed, and goes on telling the others',
    wrap: (client, records) => ({
      onNotice: (listener) => {
        client.onNotice?.(listener)
        return () => records.listeners.clear()
      },
    }),
  },
  {
    bug: 'goes on telling who unsubscribed',
    caughtBy: 'stops telling a listener that unsubscribed, and goes on telling the others',
    wrap: (client) => ({
      onNotice: (listener) => {
        client.onNotice?.(listener)
        return () => undefined
      },
    }),
  },
  {
    bug: 'tells of every grant',
    caughtBy: 'tells nobody of a grant when there was no waiter',
    patch: (records) => {
      const hold = records.hold.bind(records)
      return {
        hold: (entry, request, endsAtMs) => {
          const token = hold(entry, request, endsAtMs)
          records.tell({ type: 'granted', key: entry.key, owner: request.owner, token })
          return token
        },
      }
    },
  },
]
