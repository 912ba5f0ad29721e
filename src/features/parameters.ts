/** Reads the parameters of a function from its source, by acorn, which is loaded when the first named placeholder is compiled. */
import { createRequire } from 'node:module'
import type * as Acorn from 'acorn'
import { KeyTemplateError } from '../core/errors.js'
import type { AnyFunction } from './template.js'

/** One name that a function's parameters bind, and how to find its value in a call. */
export interface Parameter {
  readonly name: string
  /** Position in the argument list. */
  readonly index: number
  /** The name collects all arguments from `index` on. */
  readonly rest: boolean
  /** Literal default of the argument, else undefined. */
  readonly fallback: unknown
  /** Steps into the argument, for destructured parameters. */
  readonly path: readonly Step[]
}

interface Step {
  /** Of a step that collects: where it begins. */
  readonly property: string
  readonly fallback: unknown
  /** `[first, ...others]`: all items from `property` on. */
  readonly rest: boolean
}

/** @throws KeyTemplateError when the source cannot be read, with the way out. */
export function parametersOf(fn: AnyFunction, template: string): Parameter[] {
  const source = Function.prototype.toString.call(fn)
  const patterns = patternsOf(source)
  if (patterns === undefined) {
    throw new KeyTemplateError(
      `The parameters of the function for '${template}' cannot be read (native, bound, or no parser). ` +
        `Name them: { args: ['name', …] }, use positions ('{0}'), or give a function: lock((…args) => \`…\`).`,
      template,
    )
  }
  return patterns.flatMap((pattern, index) =>
    bindingsOf(pattern, { index, rest: false, fallback: undefined, path: [] }),
  )
}

/** A function's source stands alone here, without the class whose private fields it uses, or the module of its `import.meta`. */
const outOfContext: Acorn.Options = {
  ecmaVersion: 'latest',
  checkPrivateFields: false,
  allowImportExportEverywhere: true,
  allowSuperOutsideMethod: true,
}

/** A function's source is an expression, a method of an object, or a member of a class. */
const shapes = [
  (source: string) => `(${source})`,
  (source: string) => `({${source}})`,
  (source: string) => `(class extends Object {${source}})`,
]

let acorn: typeof Acorn | undefined

function patternsOf(source: string): readonly Acorn.Pattern[] | undefined {
  try {
    acorn ??= createRequire(import.meta.url)('acorn') as typeof Acorn // untyped by nature
  } catch {
    return undefined // not installed with the bundle: the error above names the way out
  }
  for (const shape of shapes) {
    try {
      const program = acorn.parse(shape(source), outOfContext)
      const params = paramsOf(program.body[0])
      if (params !== undefined) return params
    } catch {
      // a source has one of three shapes; the next may fit
    }
  }
  return undefined
}

function paramsOf(
  statement: Acorn.Statement | Acorn.ModuleDeclaration | undefined,
): readonly Acorn.Pattern[] | undefined {
  if (statement?.type !== 'ExpressionStatement') return undefined
  const { expression } = statement
  if (expression.type === 'ArrowFunctionExpression' || expression.type === 'FunctionExpression')
    return expression.params
  if (expression.type === 'ObjectExpression') {
    const [member] = expression.properties
    return member?.type === 'Property' && member.value.type === 'FunctionExpression' ? member.value.params : undefined
  }
  if (expression.type !== 'ClassExpression') return undefined
  const [member] = expression.body.body
  return member?.type === 'MethodDefinition' ? member.value.params : undefined
}

type Place = Omit<Parameter, 'name'>

function bindingsOf(pattern: Acorn.Pattern, place: Place): Parameter[] {
  switch (pattern.type) {
    case 'Identifier':
      return [{ ...place, name: pattern.name }]
    case 'AssignmentPattern':
      return bindingsOf(pattern.left, withFallback(place, literalOf(pattern.right)))
    case 'RestElement':
      return bindingsOf(pattern.argument, { ...place, rest: true })
    case 'ArrayPattern':
      return pattern.elements.flatMap((element, i) => {
        if (element === null) return []
        if (element.type === 'RestElement') return bindingsOf(element.argument, into(place, String(i), true))
        return bindingsOf(element, into(place, String(i)))
      })
    case 'ObjectPattern':
      return pattern.properties.flatMap((property) => {
        if (property.type === 'RestElement') return bindingsOf(property.argument, place)
        const name = propertyName(property)
        return name === undefined ? [] : bindingsOf(property.value, into(place, name))
      })
    default:
      return []
  }
}

function into(place: Place, property: string, rest = false): Place {
  return { ...place, path: [...place.path, { property, fallback: undefined, rest }] }
}

function withFallback(place: Place, fallback: unknown): Place {
  const last = place.path.at(-1)
  if (last === undefined) return { ...place, fallback }
  return { ...place, path: [...place.path.slice(0, -1), { ...last, fallback }] }
}

function propertyName(property: Acorn.AssignmentProperty | Acorn.Property): string | undefined {
  if (property.computed) return undefined
  if (property.key.type === 'Identifier') return property.key.name
  return property.key.type === 'Literal' ? String(property.key.value) : undefined
}

/** The value of a literal default: text, number, boolean, bigint, -1, !0, or objects and arrays of literals; else undefined. */
function literalOf(node: Acorn.Expression): unknown {
  switch (node.type) {
    case 'Literal':
      return node.value instanceof RegExp ? undefined : node.value
    case 'TemplateLiteral':
      return node.expressions.length === 0 ? node.quasis[0]?.value.cooked : undefined
    case 'UnaryExpression':
      return signed(node.operator, literalOf(node.argument))
    case 'ObjectExpression':
      return objectOf(node.properties)
    case 'ArrayExpression':
      return node.elements.some((element) => element?.type === 'SpreadElement')
        ? undefined
        : node.elements.map((element) => (element === null ? undefined : literalOf(element as Acorn.Expression))) // no spread among them
    default:
      return undefined
  }
}

/** Minifiers write `true` as `!0`. */
function signed(operator: Acorn.UnaryOperator, value: unknown): unknown {
  if (operator === '-' && (typeof value === 'number' || typeof value === 'bigint')) return -value
  return operator === '!' && typeof value === 'number' ? value === 0 : undefined
}

function objectOf(properties: Acorn.ObjectExpression['properties']): unknown {
  const entries: [string, unknown][] = []
  for (const property of properties) {
    const name = property.type === 'Property' ? propertyName(property) : undefined
    if (property.type !== 'Property' || name === undefined) return undefined
    entries.push([name, literalOf(property.value)])
  }
  return Object.fromEntries(entries)
}
