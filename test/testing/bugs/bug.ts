import type { ContractSubject } from '../../../src/testing/index.js'
import type { AcquireRequest, Handoff, Notice, Store } from '../../../src/core/store.js'
import { clientOf, Reference, syncClientOf } from '../reference-store.js'

/** One thing that a store gets wrong, and the rule of the contract that has to find it. */
export interface Bug {
  readonly bug: string
  readonly caughtBy: string
  /** Breaks a decision of the records. */
  readonly patch?: ((records: Reference) => Partial<Reference>) | undefined
  /** Breaks a client of them. */
  readonly wrap?: ((client: Store, records: Reference) => Partial<Store>) | undefined
  /** What the case fails with; default: an `AssertionError`. */
  readonly error?: typeof Error
  /** Breaks it in the store that answers at once; default: in the one that answers with promises. */
  readonly sync?: true
  /** It is a store that renews by itself. */
  readonly renewsItself?: true
}

/** The reference store with this bug in it. */
export function brokenSubject({ patch, wrap, sync }: Bug): ContractSubject {
  const records = new Reference()
  Object.assign(records, patch?.(records))
  const client = (): Store => {
    // A sync store is only ever awaited by the suite.
    const plain = sync ? (syncClientOf(records) as unknown as Store) : clientOf(records)
    return { ...plain, ...wrap?.(plain, records) }
  }
  return sync ? { store: client() } : { store: client(), another: client }
}

/** Lets everything else have its turn, as a round trip does. */
export const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A release by `plain`, and the inner one where there is a next; or the other way round. */
export function releaseBy(
  client: Store,
  parts: {
    plain?: (key: string, owner: string) => Promise<boolean>
    handOver?: (key: string, owner: string, next: AcquireRequest) => Promise<Handoff>
  },
): Store['release'] {
  function release(key: string, owner: string): Promise<boolean>
  function release(key: string, owner: string, next: AcquireRequest): Promise<Handoff>
  function release(key: string, owner: string, next?: AcquireRequest): Promise<boolean | Handoff> {
    if (next === undefined) return parts.plain?.(key, owner) ?? client.release(key, owner)
    return parts.handOver?.(key, owner, next) ?? client.release(key, owner, next)
  }
  return release
}

/** Expired records are dropped when another call meets them, but this one takes them for good. */
export function seesExpired(call: 'renew' | 'release' | 'forceRelease' | 'inspect'): Bug['patch'] {
  return (records) => {
    const inner = records[call].bind(records) as (...given: unknown[]) => unknown
    const isOver = records.isOver.bind(records)
    return {
      [call]: (...given: unknown[]) => {
        records.isOver = () => false
        try {
          return inner(...given)
        } finally {
          records.isOver = isOver
        }
      },
    }
  }
}

/** Loses the notices that are not wanted. */
export function tellsOnly(isTold: (notice: Notice) => boolean): Bug['patch'] {
  return (records) => {
    const tell = records.tell.bind(records)
    return {
      tell: (notice) => {
        if (isTold(notice)) tell(notice)
      },
    }
  }
}
