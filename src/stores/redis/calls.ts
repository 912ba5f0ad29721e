import type { Driver } from './client.js'
import { notSent, storeError } from './failure.js'
import type { Link } from './link.js'
import { evalUnknown, type ScriptCall } from './script-call.js'

export interface Call extends ScriptCall {
  readonly operation: string
}

/** Sends calls to the server. Rejects, and where there is no way to it throws, with what errors.ts says. */
export class Calls {
  readonly #link: Link
  #closed = false

  constructor(link: Link) {
    this.#link = link
  }

  /** @throws StoreError */
  driver(operation: string): Driver | Promise<Driver> {
    if (this.#closed) throw notSent(operation, 'the store is closed')
    return this.#link.driver(operation)
  }

  run<T>(call: Call, read: (reply: unknown) => T | Promise<T>): Promise<T> {
    const opened = this.driver(call.operation)
    return opened instanceof Promise
      ? opened.then((driver) => this.#send(driver, call, read))
      : this.#send(opened, call, read)
  }

  /** A command that is no script. */
  async command(operation: string, send: (driver: Driver) => Promise<unknown>): Promise<unknown> {
    const driver = await this.driver(operation)
    const called = send(driver)
    this.#link.sent()
    try {
      return await called
    } catch (error) {
      throw this.failure(driver, operation, error)
    } finally {
      this.#link.ended()
    }
  }

  failure(driver: Driver, operation: string, error: unknown): Error {
    this.#link.failed(driver, error)
    return storeError(operation, error, this.#link.secrets)
  }

  close(): void {
    this.#closed = true
    this.#link.close()
  }

  #send<T>(driver: Driver, call: Call, read: (reply: unknown) => T | Promise<T>): Promise<T> {
    const { sha } = call.script
    const answered = (reply: unknown): T | Promise<T> => {
      this.#link.ended()
      return read(reply)
    }
    const called = driver.evalsha(sha, call.keys, call.args)
    this.#link.sent()
    return called.then(answered, async (error: unknown) => {
      let reply: unknown
      try {
        reply = await evalUnknown(driver, call, error)
      } catch (again) {
        this.#link.ended()
        throw this.failure(driver, call.operation, again)
      }
      return answered(reply)
    })
  }
}
