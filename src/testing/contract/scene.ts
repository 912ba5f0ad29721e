import assert from 'node:assert/strict'
import { realEnv } from '../../core/env.js'
import { InvalidOptionError } from '../../core/errors.js'
import type { AnyStore, Capabilities, HolderRecord, KeyRecord, Store } from '../../core/store.js'
import { createActor } from './actor.js'
import { pause } from './pause.js'
import type { Actor, ActorOptions } from './actor.js'
import type { ContractSubject, OptionalPart, Promised } from './subject.js'

/** One rule of the contract. */
export interface Rule {
  readonly name: string
  readonly applies: (can: Capabilities, has: readonly OptionalPart[]) => boolean
  readonly check: (scene: Scene) => void | Promise<void>
}

/** What a rule works with: the store, a fresh key, and people who want it. */
export interface Scene {
  readonly promised: Promised
  /** As it came from the subject. */
  readonly subject: ContractSubject
  /** A sync store answers at once; here it is always awaited. */
  readonly store: Store
  readonly key: string
  /** A second client of the same records; the same store where the scope is a process. */
  readonly another: () => Promise<Store>
  /** A random key that nobody else uses, with these characters at its end. */
  readonly freshKey: (ending?: string) => string
  /** Somebody with an owner id who wants the scene's key, or another one. */
  readonly actor: (label: string, options?: ActorOptions) => Actor
  /** What the store knows of a key. */
  readonly inspect: (key?: string) => Promise<KeyRecord | undefined>
  /** Asks until the answer is neither false nor undefined. */
  readonly eventually: <T>(what: string, ask: Ask<T>) => Promise<T>
  readonly end: () => Promise<void>
}

type Ask<T> = () => T | false | undefined | Promise<T | false | undefined>

export function rule(name: string, check: Rule['check'], applies: Rule['applies'] = () => true): Rule {
  return { name, check, applies }
}

export function createScene(subject: ContractSubject, promised: Promised): Scene {
  const store = subject.store as Store
  const key = freshKey()
  let second: Promise<AnyStore> | undefined
  return {
    promised,
    subject,
    store,
    key,
    another: async () => {
      if (subject.another === undefined) return store
      second ??= Promise.resolve(subject.another())
      return (await second) as Store
    },
    freshKey,
    actor: (label, options = {}) => createActor(label, { store, key, ...options }),
    inspect: async (asked = key) => store.inspect(asked),
    eventually: (what, ask) => eventually(what, ask, promised.patienceMs),
    end: async () => {
      await (await second)?.close()
      await store.close()
      await subject.close?.()
    },
  }
}

function freshKey(ending = ''): string {
  return `holdfast-contract:${realEnv.randomId()}${ending}`
}

const lookEveryMs = 10

async function eventually<T>(what: string, ask: Ask<T>, patienceMs: number): Promise<T> {
  const startMs = realEnv.nowMs()
  for (;;) {
    const answer = await ask()
    if (answer !== false && answer !== undefined) return answer
    if (realEnv.nowMs() - startMs > patienceMs) assert.fail(`Within ${patienceMs} ms it never came true that ${what}.`)
    await pause(lookEveryMs)
  }
}

/** The call fails with an `InvalidOptionError` whose text shows these numbers. */
export async function refusesOption(call: () => Promise<unknown>, numbers: readonly number[] = []): Promise<void> {
  await assert.rejects(
    async () => await call(),
    (error: unknown) => {
      assert.ok(error instanceof InvalidOptionError, `expected an InvalidOptionError, got: ${String(error)}`)
      for (const number of numbers) {
        assert.match(error.message, new RegExp(`\\b${number}\\b`), 'the error names the numbers that do not agree')
      }
      return true
    },
  )
}

/** The holders' owners, sorted, for comparing. */
export function ownersOf(record: KeyRecord | undefined): string[] {
  return (record?.holders ?? []).map(({ owner }) => owner).sort()
}

/** The lease left of an owner's hold. */
export function remainingOf(record: KeyRecord | undefined, owner: string): number {
  const hold: HolderRecord | undefined = record?.holders.find((holder) => holder.owner === owner)
  assert.ok(hold, 'the hold is shown by inspect')
  assert.ok(hold.remainingMs !== undefined, 'a hold with a lease shows what is left of it')
  return hold.remainingMs
}
