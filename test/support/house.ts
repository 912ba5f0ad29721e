import ts from 'typescript'
import { posix } from 'node:path'

/** One file of src/: its path from there, such as 'core/key.ts', and its text. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

const MAX_LINES = 300
const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*\.ts$/
/** The doors of the package: the main one, and the folders that are a subpath of it. */
const DOOR = /^(index\.ts|(stores|layers)\/[^/]+\/index\.ts|(testing|fence)\/index\.ts)$/
/** Opens a store by its URL, so it is the one feature that knows stores. */
const OPEN_STORE = 'features/open-store.ts'
/**
 * The worker is the entry of a program of its own, which opens a store by its URL; `blocking()` asks what store that will
 * be, to refuse junk and to tell its capabilities before there is a worker.
 */
const OPENERS = ['layers/blocking/worker.ts', 'layers/blocking/blocking.ts']

/** What gives users of `holdfast/testing` an instance is made of features, on the records of memory. */
const INSTANCES = /^testing\/(virtual-time|fake-locks|observed|simulation\/[^/]+)\.ts$/
const FOR_INSTANCES = /^(features\/|stores\/memory\/memory\.)/

/** What each room may import besides itself; within stores and layers, "itself" is one store or layer. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  features: ['core'],
  stores: ['core'],
  layers: ['core'],
  fence: ['core'],
  testing: ['core'],
  cli: ['core', 'features', 'stores', 'layers', 'fence'],
  dashboard: ['core', 'features', 'stores', 'layers', 'fence'],
  'index.ts': ['core', 'features', 'stores', 'layers', 'fence'],
}

/** The house rules of src/: says what breaks them, a sentence each. `dependencies` are the packages that users get too. */
export function checkHouse(files: readonly SourceFile[], dependencies: readonly string[]): string[] {
  return files.flatMap((file) => {
    const found = parse(file)
    const problems = [
      ...checkShape(file, found),
      ...found.imports.flatMap((used) =>
        used.from.startsWith('.') ? checkNeighbour(file.path, used) : checkPackage(file.path, used, dependencies),
      ),
    ]
    return problems.map((problem) => `src/${file.path}: ${problem}`)
  })
}

/** Names the packages in a package-lock.json that users get too and that run a script when installed. */
export function withInstallScript(lock: {
  packages: Readonly<Record<string, { dev?: boolean; hasInstallScript?: boolean }>>
}): string[] {
  const entries = Object.entries(lock.packages).filter(([path, entry]) => path !== '' && !entry.dev)
  return entries.filter(([, entry]) => entry.hasInstallScript).map(([path]) => path)
}

interface Import {
  readonly from: string
  readonly kind: 'static' | 'type' | 'dynamic'
}

interface Found {
  readonly imports: Import[]
  /** 'any', '!', 're-export', 'export *', 'logic' */
  readonly marks: Set<string>
}

function parse({ path, text }: SourceFile): Found {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023)
  const found: Found = { imports: [], marks: new Set() }
  const imported = new Set<string>()
  for (const statement of source.statements) readStatement(statement, found, imported)
  const visit = (node: ts.Node): void => {
    readNode(node, found)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

function readStatement(statement: ts.Statement, { imports, marks }: Found, imported: Set<string>): void {
  if (ts.isImportDeclaration(statement)) {
    const clause = statement.importClause
    const isType = clause?.phaseModifier === ts.SyntaxKind.TypeKeyword
    imports.push({ from: textOf(statement.moduleSpecifier), kind: isType ? 'type' : 'static' })
    for (const name of importedNames(clause)) imported.add(name)
  } else if (ts.isExportDeclaration(statement)) {
    const { moduleSpecifier, exportClause, isTypeOnly } = statement
    if (moduleSpecifier) imports.push({ from: textOf(moduleSpecifier), kind: isTypeOnly ? 'type' : 'static' })
    if (!exportClause) marks.add('export *')
    const names = exportClause && ts.isNamedExports(exportClause) ? exportClause.elements : []
    const passedOn = names.some(({ name, propertyName }) => imported.has((propertyName ?? name).text))
    if (moduleSpecifier || passedOn) marks.add('re-export')
  } else {
    marks.add('logic')
  }
}

function importedNames(clause: ts.ImportClause | undefined): string[] {
  const bindings = clause?.namedBindings
  const named = bindings && ts.isNamedImports(bindings) ? bindings.elements.map(({ name }) => name.text) : []
  const space = bindings && ts.isNamespaceImport(bindings) ? [bindings.name.text] : []
  return [...(clause?.name ? [clause.name.text] : []), ...named, ...space]
}

function readNode(node: ts.Node, { imports, marks }: Found): void {
  if (node.kind === ts.SyntaxKind.AnyKeyword) marks.add('any')
  if (ts.isNonNullExpression(node)) marks.add('!')
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    imports.push({ from: textOf(node.argument.literal), kind: 'type' })
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [target] = node.arguments
    if (target && ts.isStringLiteralLike(target)) imports.push({ from: target.text, kind: 'dynamic' })
  }
}

function textOf(node: ts.Node): string {
  return ts.isStringLiteral(node) ? node.text : ''
}

function checkShape({ path, text }: SourceFile, { marks }: Found): string[] {
  const problems: string[] = []
  const lines = text.trimEnd().split('\n').length
  if (lines > MAX_LINES) problems.push(`has ${lines} lines, more than ${MAX_LINES}: is it still one idea?`)
  if (!KEBAB_CASE.test(posix.basename(path))) problems.push('is not named in kebab-case')
  if (!(roomOf(path) in MAY_IMPORT)) problems.push('is in no room of the house')
  if (marks.has('any')) problems.push('uses any')
  if (marks.has('!')) problems.push('uses ! to say that something is not null')
  if (marks.has('export *')) problems.push('exports with a star; export by name')
  if (marks.has('re-export') && !DOOR.test(path)) problems.push('re-exports; only the doors of the package do')
  if (marks.has('logic') && path === 'index.ts') problems.push('has logic; it is there for names only')
  return problems
}

function checkNeighbour(path: string, { from }: Import): string[] {
  if (!from.endsWith('.js')) return [`imports ${from} without .js at its end`]
  const target = posix.join(posix.dirname(path), from)
  if (target.startsWith('..')) return [`imports ${from}, which is not in src/`]
  return isAllowed(path, target) ? [] : [`may not import ${target.replace(/\.js$/, '.ts')}`]
}

function isAllowed(path: string, target: string): boolean {
  const targetRoom = roomOf(target)
  if (unitOf(path) === unitOf(target)) return true
  if (OPENERS.includes(path) && target.replace(/\.js$/, '.ts') === OPEN_STORE) return true
  if (INSTANCES.test(path) && FOR_INSTANCES.test(target)) return true
  if (path === OPEN_STORE && ['stores', 'layers'].includes(targetRoom)) return true
  return MAY_IMPORT[roomOf(path)]?.includes(targetRoom) ?? false
}

/** 'core' of 'core/key.ts'; 'index.ts' of 'index.ts' */
function roomOf(path: string): string {
  return path.split('/', 1)[0] ?? path
}

/** What may import within itself: a whole room, or one store or layer ('stores/redis' of 'stores/redis/scripts.ts'). */
function unitOf(path: string): string {
  const [room = '', name = ''] = path.replace(/\.[jt]s$/, '').split('/')
  return ['stores', 'layers'].includes(room) ? `${room}/${name}` : room
}

function checkPackage(path: string, { from, kind }: Import, dependencies: readonly string[]): string[] {
  if (from.startsWith('node:')) return []
  if (dependencies.includes(from) && (kind === 'type' || roomOf(path) !== 'core')) return []
  if (roomOf(path) === 'core') return [`core may not import the package ${from}`]
  if (kind === 'dynamic' && ['stores', 'layers'].includes(roomOf(path))) return []
  return [
    `imports ${from}, which users need not have; a driver is imported when it is needed, by import(), in its store`,
  ]
}
