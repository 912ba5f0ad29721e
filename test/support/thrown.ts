/** The reason a promise rejects with; fails when it does not. */
export async function rejection(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
    throw new TypeError(`rejected with ${String(error)}, which is no Error`)
  }
  throw new TypeError('resolved, and should have rejected')
}

/** What a call throws; fails when it does not. */
export function thrown(call: () => unknown): Error {
  try {
    call()
  } catch (error) {
    return error as Error
  }
  throw new TypeError('it should have thrown')
}
