/** Why no test finds a mutant. The first that fits counts. */
export interface Reason {
  /** End of the path. */
  readonly file: string
  /** A part of the line that is changed. */
  readonly code: string
  /** What is changed; default: anything in the line. */
  readonly from?: string
  /** What it is changed to; default: anything. */
  readonly to?: string
  readonly why: string
}

export const reasons: readonly Reason[] = []
