/** Why no test finds a mutant. */
export interface Reason {
  /** End of the path; '*': any file. */
  readonly file: string
  /** A part of the line that is changed. */
  readonly code: string
  /** What is changed; default: anything in the line. */
  readonly from?: string
  /** What it is changed to; default: anything. */
  readonly to?: string
  readonly why: string
}

/** For each file and each reason in it, what it is the reason of: a part of the line, or more. The first that fits counts. */
export type Reasons = Readonly<Record<string, Readonly<Record<string, readonly (string | Changed)[]>>>>

type Changed = Omit<Reason, 'file' | 'why'>

export const types = 'asked for by the types alone: it is never so here'
export const cost = 'a saving only: the outcome is the same, a little later or dearer'
export const same = 'no difference: both lead to the same'

export function listed(reasons: Reasons): Reason[] {
  return Object.entries(reasons).flatMap(([file, whys]) =>
    Object.entries(whys).flatMap(([why, codes]) =>
      codes.map((code) => ({ file, why, ...(typeof code === 'string' ? { code } : code) })),
    ),
  )
}
