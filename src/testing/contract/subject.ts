import type { AnyStore, Capabilities } from '../../core/store.js'

/** A store under test, made fresh for each case. */
export interface ContractSubject {
  readonly store: AnyStore
  /**
   * A second client of the same records, as another process would have. Needed unless the store's scope is `process`;
   * there the same store serves as both.
   */
  another?(): AnyStore | Promise<AnyStore>
  /** Called at the end of each case, after the suite has closed the stores it got: for clients of your own. */
  close?(): unknown
}

/** What a store may leave out. */
export type OptionalPart = 'acquireAll' | 'wasRevoked' | 'resize' | 'onNotice' | 'selfRenewal' | 'values'

/** What a store promises. Decides which rules apply; the first rule compares it with what the store itself declares. */
export interface Promised {
  readonly capabilities: Capabilities
  readonly has: readonly OptionalPart[]
  /** How long a condition may take on a busy machine before it counts as never. */
  readonly patienceMs: number
}
