import type { AcquireRequest, Answer } from './store.js'

/** A request that travels with a release. */
export interface Handed {
  readonly request: AcquireRequest
  answered(answer: Answer): void
  /** The answer came after `failed`. */
  late(answer: Answer): void
  failed(error: unknown): void
}
