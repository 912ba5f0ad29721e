import type { Held } from '../subject.js'

/** What a library hands to the body it runs. */
interface Signal {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void): void
}

/**
 * A hold from a library that renews only while it runs a body (`using`): the body lasts until the release.
 * `isRefusal` tells contention from a failed store.
 */
export function holdByBody(
  using: (body: (signal: Signal) => Promise<void>) => Promise<unknown>,
  isRefusal: (error: unknown) => boolean,
): Promise<Held | undefined> {
  return new Promise((resolve, reject) => {
    let leave: () => void = () => undefined
    const left = new Promise<void>((done) => (leave = done))
    let over: Promise<unknown> = Promise.resolve()
    const body = async (signal: Signal): Promise<void> => {
      resolve({
        token: undefined,
        active: () => !signal.aborted,
        remainingMs: () => undefined,
        onLost: (listener) => signal.addEventListener('abort', listener),
        release: () => {
          leave()
          return over
        },
      })
      await left
    }
    over = using(body)
    over.catch((error: unknown) => (isRefusal(error) ? resolve(undefined) : reject(error)))
  })
}
