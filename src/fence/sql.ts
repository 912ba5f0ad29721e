import { show } from '../core/duration.js'
import { InvalidOptionError, StaleTokenError } from '../core/errors.js'
import { checkHeld, checkNames, type Held } from './held.js'

/** What a driver binds to a parameter. JSON as text: `JSON.stringify(value)`. */
export type SqlValue = string | number | bigint | boolean | Date | Uint8Array | null

/** Names and values of columns. Names are quoted, so they count as written, capitals included. */
export type Columns<K extends string = string> = Readonly<Record<K, SqlValue>>

/** SQL with places for parameters (`$1` or `?`), and their values in order. */
export interface Statement {
  readonly text: string
  readonly values: SqlValue[]
}

/** A statement that changes one row, or none when its token is stale. */
export interface GuardedStatement extends Statement {
  readonly held: Held
  readonly kind: 'update' | 'upsert'
  /** To be run when no row was changed: its column `latest` is the newest token; no row: there is none. */
  readonly latest: Statement
}

/** For statements of your own. */
export interface TokenCondition {
  /** `"fence" = $3`, one more assignment of the SET. */
  readonly set: string
  /** `"fence" <= $3`, one more condition of the WHERE. */
  readonly where: string
  /** The token. For PostgreSQL once, both have the same parameter; for MySQL once for each `?`. */
  readonly values: SqlValue[]
}

export interface SqlGuardOptions<K extends string> {
  /** Name of the table, or `[schema, table]`. */
  readonly table: string | readonly [schema: string, table: string]
  /** The column, or columns, that name a row: its primary key. */
  readonly key: K | readonly K[]
  /** The column with the largest token: `bigint NOT NULL DEFAULT 0`. Default `fence`. */
  readonly column?: string
}

/** Writes to rows that are refused when they come from an old holder. `Client` is what the driver gives. */
export interface SqlGuard<K extends string, Client> {
  /**
   * UPDATE of the row with this key. Without changes it only shows the token: from now on older ones are refused. Do that before you
   * read what you will base a write on.
   * @throws InvalidOptionError, InvalidKeyError
   */
  update(held: Held, key: Columns<K>, changes?: Columns): GuardedStatement
  /** INSERT, or UPDATE of the row that has this key. @throws InvalidOptionError, InvalidKeyError */
  upsert(held: Held, row: Columns<K> & Columns): GuardedStatement
  /**
   * Runs such a statement: true when the row was written, false when there is none (never for an upsert).
   * @throws StaleTokenError, and what the client throws
   */
  run(client: Client, statement: GuardedStatement): Promise<boolean>
  /** Parts of a statement of your own. `parameter`: the number of its `$n`, for PostgreSQL; default 1. */
  condition(held: Held, parameter?: number): TokenCondition
  /** Reads the newest token, as `latest`, after a statement of your own has changed no row: for {@link check}. */
  latest(key: Columns<K>): Statement
  /**
   * What it means that a statement of your own changed no row. `latest`: what was read by {@link latest}; undefined: no row. true: the
   * row has this very token; false: there is no such row, or an older token.
   * @throws StaleTokenError
   */
  check(held: Held, latest: unknown): boolean
}

/** How databases differ. */
export interface Dialect {
  readonly name: string
  readonly quote: '"' | '`'
  readonly placeholder: (number: number) => string
  /** What comes after INSERT … VALUES (…). Names are quoted. */
  readonly onConflict: (parts: ConflictParts) => string
  /** The alias of the table in an INSERT, if it needs one. */
  readonly alias: string
  readonly selectLast: string
}

export interface ConflictParts {
  readonly keys: readonly string[]
  readonly others: readonly (readonly [name: string, value: SqlValue])[]
  readonly column: string
  readonly token: number
  readonly bind: (value: SqlValue) => string
}

type Builder<K extends string> = Omit<SqlGuard<K, never>, 'run'>

/** Everything of a guard that needs no connection. @throws InvalidOptionError */
export function sqlBuilder<K extends string>(dialect: Dialect, options: SqlGuardOptions<K>): Builder<K> {
  checkNames(options, ['table', 'key', 'column'], `${dialect.name}Guard`)
  const quote = (name: string): string => quoted(name, dialect.quote)
  const table = quotedTable(options.table, dialect.quote)
  const keyNames: readonly string[] = [options.key].flat()
  if (keyNames.length === 0) throw new InvalidOptionError('key names no column: give the primary key of the table.')
  const ownColumn = options.column ?? 'fence'
  const column = quote(ownColumn)

  const binder = (): { values: SqlValue[]; bind: (value: SqlValue) => string } => {
    const values: SqlValue[] = []
    return { values, bind: (value) => dialect.placeholder(values.push(value)) }
  }
  const sameKey = (key: Columns<K>, bind: (value: SqlValue) => string): string => {
    const entries = entriesOf(key)
    checkKeyColumns(entries, keyNames)
    const extra = entries.find(([name]) => !keyNames.includes(name))
    if (extra !== undefined)
      throw new InvalidOptionError(`${extra[0]} is no column of the key (${keyNames.join(', ')}).`)
    return keyNames.map((name) => `${quote(name)} = ${bind(valueOf(entries, name))}`).join(' AND ')
  }
  const latest = (key: Columns<K>): Statement => {
    const { values, bind } = binder()
    const where = sameKey(key, bind)
    return { text: `SELECT ${column} AS latest FROM ${table} WHERE ${where}${dialect.selectLast}`, values }
  }
  return {
    latest,
    update: (given, key, changes = {}) => {
      const held = checkHeld(given)
      const { values, bind } = binder()
      const others = entriesOf(changes)
      checkOthers(others, [...keyNames, ownColumn])
      const assignments = others.map(([name, value]) => `${quote(name)} = ${bind(value)}`)
      const set = [...assignments, `${column} = ${bind(held.token)}`].join(', ')
      const where = `${sameKey(key, bind)} AND ${column} <= ${bind(held.token)}`
      return { text: `UPDATE ${table} SET ${set} WHERE ${where}`, values, held, kind: 'update', latest: latest(key) }
    },
    upsert: (given, row) => {
      const held = checkHeld(given)
      const { values, bind } = binder()
      const entries = entriesOf(row)
      checkKeyColumns(entries, keyNames)
      checkOthers(entries, [ownColumn])
      const names = [...entries.map(([name]) => quote(name)), column].join(', ')
      const places = [...entries.map(([, value]) => bind(value)), bind(held.token)].join(', ')
      const others = entries.filter(([name]) => !keyNames.includes(name))
      const conflict = dialect.onConflict({
        keys: keyNames.map(quote),
        others: others.map(([name, value]) => [quote(name), value]),
        column,
        token: held.token,
        bind,
      })
      const text = `INSERT INTO ${table}${dialect.alias} (${names}) VALUES (${places}) ${conflict}`
      const ofKey = entries.filter(([name]) => keyNames.includes(name))
      return { text, values, held, kind: 'upsert', latest: latest(Object.fromEntries(ofKey) as Columns<K>) }
    },
    condition: (given, parameter = 1) => {
      const { token } = checkHeld(given)
      const place = dialect.placeholder(parameter)
      return { set: `${column} = ${place}`, where: `${column} <= ${place}`, values: [token] }
    },
    check: (given, seen) => {
      const { key, token } = checkHeld(given)
      if (seen === undefined) return false
      const newest = seen === null ? Number.NaN : Number(seen)
      if (!Number.isSafeInteger(newest)) {
        throw new InvalidOptionError(
          `${column} of ${table} is ${show(seen)}, which is no token: let it be bigint NOT NULL DEFAULT 0.`,
          key,
        )
      }
      if (newest > token) throw new StaleTokenError(key, token, newest)
      return newest === token
    },
  }
}

type Entries = readonly (readonly [name: string, value: SqlValue])[]

function entriesOf(columns: Columns): Entries {
  const entries = Object.entries<SqlValue | undefined>(columns)
  return entries.map(([name, value]) => {
    if (value === undefined)
      throw new InvalidOptionError(`The column ${name} is undefined: leave it out, or give null.`)
    return [name, value]
  })
}

function valueOf(entries: Entries, name: string): SqlValue {
  return entries.find(([other]) => other === name)?.[1] ?? null
}

/** NULL equals nothing. */
function checkKeyColumns(entries: Entries, keyNames: readonly string[]): void {
  const missing = keyNames.find((name) => valueOf(entries, name) === null)
  if (missing !== undefined)
    throw new InvalidOptionError(`The column ${missing} names the row: give its value, and not null.`)
}

function checkOthers(entries: Entries, taken: readonly string[]): void {
  const wrong = entries.find(([name]) => taken.includes(name))
  if (wrong === undefined) return
  throw new InvalidOptionError(`The column ${wrong[0]} is set by the guard, or names the row: leave it out.`)
}

/** @throws InvalidOptionError */
export function quotedTable(table: SqlGuardOptions<string>['table'], mark: string): string {
  return [table]
    .flat()
    .map((name) => quoted(name, mark))
    .join('.')
}

function quoted(name: string, mark: string): string {
  if (typeof name === 'string' && name !== '' && !name.includes('\0') && name.isWellFormed()) {
    return mark + name.replaceAll(mark, mark + mark) + mark
  }
  throw new InvalidOptionError(`${show(name)} is no name of a table or column.`)
}
