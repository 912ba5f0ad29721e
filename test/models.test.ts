import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const run = promisify(execFile)
const folder = fileURLToPath(new URL('../models/', import.meta.url))
const limitMs = 240_000

interface Row {
  readonly model: string
  readonly flags: readonly string[]
  /** As in models/README.md: a number of states, or the assertion that has to fail. */
  readonly states: number | undefined
  readonly fails: string | undefined
}

/** The tables of models/README.md: `| model | -D flags | … | states or failing assertion |`. */
async function rows(): Promise<Row[]> {
  const text = await readFile(join(folder, 'README.md'), 'utf8')
  return [...text.matchAll(/^\| `(\w+\.pml)` \| (.*?) \|.*\| (?:([\d,]+) states|fails: `([^`]+)`) \|$/gm)].map(
    ([, model = '', flags = '', states, fails]) => ({
      model,
      flags: [...flags.matchAll(/`(-D\w+(?:=\d+)?)`/g)].map(([, flag = '']) => flag),
      states: states === undefined ? undefined : Number(states.replaceAll(',', '')),
      fails,
    }),
  )
}

/** Explores all states of a model with spin: how many there are, and the assertions that failed. */
async function check({ model, flags, fails }: Row): Promise<{ states: number; errors: readonly string[] }> {
  const cwd = await mkdtemp(join(tmpdir(), 'holdfast-model-'))
  try {
    await copyFile(join(folder, model), join(cwd, model))
    await tool('spin', [...flags, '-a', model], cwd)
    const level = fails === undefined ? '-O1' : '-O0' // an error is found sooner than the compiler is done
    await tool('gcc', [level, '-w', '-DSAFETY', '-o', 'pan', 'pan.c'], cwd)
    const output = await tool(join(cwd, 'pan'), ['-m20000'], cwd)
    const [, states = ''] = /^\s*(\d+) states, stored$/m.exec(output) ?? []
    const errors = [...output.matchAll(/^pan:\d+: (.*) \(at depth \d+\)$/gm)].map(([, error = '']) => error)
    if (!output.includes(`errors: ${errors.length}`) || output.includes('Search not completed') !== errors.length > 0) {
      throw new Error(`spin did not finish:\n${output}`)
    }
    return { states: Number(states), errors }
  } finally {
    await rm(cwd, { recursive: true, force: true })
  }
}

async function tool(file: string, args: readonly string[], cwd: string): Promise<string> {
  try {
    return (await run(file, args, { cwd, timeout: limitMs, maxBuffer: 2 ** 24 })).stdout
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOENT') throw error
    const how = 'apt-get install -y --no-install-recommends spin gcc libc6-dev'
    throw new Error(`The models are checked by spin and gcc; ${file} is not on the PATH. Install them: ${how}`, {
      cause: error,
    })
  }
}

/** Conditions without spin's many parentheses and blanks. */
const plain = (text: string): string => text.replaceAll(/[\s()]/g, '')

const table = await rows()

describe('models/README.md', () => {
  it('has each model, checked as it is and with two broken variants at least', async () => {
    const models = (await readdir(folder)).filter((name) => name.endsWith('.pml'))
    expect(models.length).toBeGreaterThanOrEqual(3)
    for (const model of models) {
      const of = table.filter((row) => row.model === model)
      expect(of.filter(({ states }) => states !== undefined).length).toBeGreaterThanOrEqual(1)
      expect(of.filter(({ fails }) => fails !== undefined).length).toBeGreaterThanOrEqual(2)
    }
  })

  it('lists every switch of the models', async () => {
    for (const model of new Set(table.map((row) => row.model))) {
      const text = await readFile(join(folder, model), 'utf8')
      const switches = [...text.matchAll(/^#ifn?def ([A-Z_]+)$/gm)].map(([, name = '']) => name)
      const tried = table.filter((row) => row.model === model).flatMap(({ flags }) => flags)
      const missing = switches.filter((name) => !tried.some((flag) => flag.replace(/=.*/, '') === `-D${name}`))
      expect(missing, model).toEqual([])
    }
  })
})

describe.concurrent('spin', { timeout: limitMs }, () => {
  it.each(table)('$model $flags: as models/README.md says', async (row) => {
    const { states, errors } = await check(row)
    if (row.fails === undefined) {
      expect(errors).toEqual([])
      expect(states).toBe(row.states)
    } else {
      expect(errors.map(plain)).toEqual([expect.stringContaining(plain(row.fails))])
    }
  })
})
