import { HoldfastError } from './errors.js'
import type { Hold } from './hold.js'

/** Of those holds alone whose body asked. */
const controllers = new WeakMap<Hold, AbortController>()

/** Aborts when the instance of the hold begins to close. The hold may go on for a while: it is not over. */
export function closingSignal(hold: Hold): AbortSignal {
  const controller = controllers.get(hold) ?? new AbortController()
  controllers.set(hold, controller)
  if (hold.space.closed) tellClosing(hold)
  return controller.signal
}

export function tellClosing(hold: Hold): void {
  const { key } = hold.terms
  const text = `${key}: its holdfast instance is being closed. Finish the work and release it: it is held for a little longer at most.`
  controllers.get(hold)?.abort(new HoldfastError('CLOSING', text, key))
}
