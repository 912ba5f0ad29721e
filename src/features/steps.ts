/**
 * A procedure that is written once, and runs with promises or without: it yields what may be a promise, and goes on with
 * what that comes to.
 */
export type Steps<T> = Generator<unknown, T>

/** Waits for `value`, if it has to be waited for. */
export function* wait<T>(value: T | PromiseLike<T>): Steps<T> {
  return (yield value) as T // the runners below send back what was yielded
}

export async function runAsync<T>(steps: Steps<T>): Promise<T> {
  let step = steps.next()
  while (step.done !== true) {
    let value: unknown
    try {
      value = await step.value
    } catch (error) {
      step = steps.throw(error)
      continue
    }
    step = steps.next(value)
  }
  return step.value
}

/** Nothing that is yielded may be a promise. */
export function runSync<T>(steps: Steps<T>): T {
  let step = steps.next()
  while (step.done !== true) step = steps.next(step.value)
  return step.value
}
