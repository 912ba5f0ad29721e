/** A measured process: opens one library, then does what it is told. Started by harness/children.ts. */
import { libraryOf } from './libraries.js'
import type { Instance, Setting } from './library.js'
import { countCommands } from './child/wire.js'
import { type Role, roles } from './child/roles.js'

export type Order =
  | { readonly id: number; readonly do: 'open'; readonly library: string; readonly setting: Setting }
  | { readonly id: number; readonly do: 'call'; readonly role: Role; readonly args: unknown }

export type Reply = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: string }

countCommands()
let instance: Instance | undefined
// some peers reject promises that nobody holds; they are measured as they are
process.on('unhandledRejection', () => undefined)
process.on('disconnect', () => process.exit(0))
process.on('message', (order: Order) => {
  const reply = (answer: Reply): void => void process.send?.(answer)
  obey(order).then(
    (value) => reply({ id: order.id, value }),
    (error: unknown) => reply({ id: order.id, error: error instanceof Error ? String(error.stack) : String(error) }),
  )
})

async function obey(order: Order): Promise<unknown> {
  if (order.do === 'open') {
    const { library, setting } = order
    instance = await libraryOf(library).open(setting)
    return undefined
  }
  if (instance === undefined) throw new Error('nothing is open')
  // children.ts pairs each role with its arguments
  const role = roles[order.role] as (instance: Instance, args: unknown) => Promise<unknown>
  return role(instance, order.args)
}
