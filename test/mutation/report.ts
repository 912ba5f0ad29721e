/** What Stryker's JSON report tells, as far as the page needs it. */
export interface Report {
  readonly files: Readonly<Record<string, MutatedFile>>
}

export interface MutatedFile {
  readonly source: string
  readonly mutants: readonly Mutant[]
}

export interface Mutant {
  readonly mutatorName: string
  readonly replacement?: string
  readonly status:
    'Killed' | 'Timeout' | 'Survived' | 'NoCoverage' | 'Ignored' | 'RuntimeError' | 'CompileError' | 'Pending'
  readonly location: { readonly start: Place; readonly end: Place }
}

interface Place {
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number
}

export interface Tally {
  readonly killed: number
  readonly survived: number
  /** Those that no program can be made of, and those that are left out. */
  readonly notCounted: number
}

/** A mutant that no test found. */
export interface Survivor {
  readonly path: string
  readonly line: number
  /** The line it is in, as it is written. */
  readonly code: string
  readonly original: string
  readonly replacement: string
}

export function tallyOf(files: readonly MutatedFile[]): Tally {
  const mutants = files.flatMap((file) => file.mutants)
  const killed = mutants.filter(isKilled).length
  const survived = mutants.filter(isSurvivor).length
  return { killed, survived, notCounted: mutants.length - killed - survived }
}

/** Per cent of what was counted; 100 where nothing was. */
export function scoreOf({ killed, survived }: Tally): number {
  return killed + survived === 0 ? 100 : (killed / (killed + survived)) * 100
}

export function survivorsOf(path: string, { source, mutants }: MutatedFile): Survivor[] {
  const lines = source.split('\n')
  return mutants
    .filter(isSurvivor)
    .map(({ location: { start, end }, replacement = '' }) => ({
      path,
      line: start.line,
      code: (lines[start.line - 1] ?? '').trim(),
      original: textBetween(lines, start, end),
      replacement,
    }))
    .sort((one, other) => one.line - other.line)
}

/** A test that ends in time tells of an endless loop by being late. */
function isKilled({ status }: Mutant): boolean {
  return status === 'Killed' || status === 'Timeout'
}

function isSurvivor({ status }: Mutant): boolean {
  return status === 'Survived' || status === 'NoCoverage'
}

function textBetween(lines: readonly string[], start: Place, end: Place): string {
  if (start.line === end.line) return (lines[start.line - 1] ?? '').slice(start.column - 1, end.column - 1)
  const first = (lines[start.line - 1] ?? '').slice(start.column - 1)
  const between = lines.slice(start.line, end.line - 1)
  return [first, ...between, (lines[end.line - 1] ?? '').slice(0, end.column - 1)].join('\n')
}
