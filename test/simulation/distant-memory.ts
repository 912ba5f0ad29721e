import type { AcquireRequest, Notice, NoticeListener, Store, SyncStore } from '../../src/core/store.js'
import { memory } from '../../src/stores/memory/memory.js'
import type { MemoryWitness } from './check/witness.js'
import { Machine } from './machine.js'
import type { Node, Socket, Wire } from './network.js'
import type { World } from './world.js'

/** The shipped memory store, as a server of its own: the same code that serves one process, with a network before it. */
export class MemoryServer implements Node {
  readonly name: string
  up = true
  backlog: (() => void)[] | undefined = undefined
  freeAtMs = 0
  errorReply: string | undefined = undefined
  readonly machine: Machine
  store: SyncStore
  readonly listeners = new Set<NoticeListener>()

  readonly witness: MemoryWitness
  #isEmpty = false

  constructor(world: World, name: string, rate: number, witness: MemoryWitness) {
    this.name = name
    this.witness = witness
    this.machine = new Machine(world, name, 0, { rate, timerLateMs: 0 })
    this.store = this.#fresh()
  }

  stop(keepsRecords: boolean): void {
    this.up = false
    if (keepsRecords) return
    this.store.close()
    this.#isEmpty = true
  }

  start(): void {
    if (this.#isEmpty) this.store = this.#fresh()
    this.#isEmpty = false
    this.up = true
  }

  #fresh(): SyncStore {
    const store = memory({ env: this.machine })
    store.onNotice?.((notice) => {
      if (notice.type === 'granted') this.witness.granted(this, notice.key, notice.owner, notice.token)
      for (const listener of this.listeners) listener(notice)
    })
    return store
  }
}

const distant = { scope: 'network', crashRelease: 'lease', consistency: 'single-node', sync: false } as const
const reconnectMs = 20

/** The way of a client to a {@link MemoryServer}. */
export function distantStore(wire: Wire<MemoryServer>, machine: Machine): Store {
  const ask = <T>(run: (node: MemoryServer) => T): Promise<T> =>
    wire.call((node) => {
      if (node.errorReply !== undefined) throw new Error(node.errorReply)
      return node.witness.call(node, () => run(node))
    })
  let listening: Listening | undefined
  const store: Omit<Store, 'release'> & { release: unknown } = {
    name: 'distant memory',
    capabilities: { ...wire.node.store.capabilities, ...distant },
    acquire: (request) =>
      ask((node) => {
        if (request.adopts !== undefined) node.witness.adopting(node, request)
        const answer = node.store.acquire(request)
        node.witness.answered(node, request, answer)
        return answer
      }),
    renew: (key, owner, ttlMs) => ask(({ store: at }) => at.renew(key, owner, ttlMs)),
    release: (key: string, owner: string, next?: AcquireRequest) =>
      ask((node) => {
        node.witness.releasing(key, owner)
        if (next === undefined) {
          const released = node.store.release(key, owner)
          node.witness.released(owner, released)
          return released
        }
        const handoff = node.store.release(key, owner, next)
        node.witness.released(owner, handoff.released)
        node.witness.answered(node, next, handoff.next)
        return handoff
      }),
    inspect: (key) => ask(({ store: at }) => at.inspect(key)),
    list: (prefix, limit, cursor) => ask(({ store: at }) => at.list(prefix, limit, cursor)),
    forceRelease: (key) =>
      ask((node) => {
        node.witness.forcing(node, key)
        return node.store.forceRelease(key)
      }),
    onNotice: (listener) => {
      const own = new Listening(wire, machine, listener)
      listening = own
      return () => own.end()
    },
    close: () => {
      listening?.end()
      return Promise.resolve()
    },
  }
  return store as Store // the overloads of `release` are those of the store behind it
}

/** Listens at the server, again after each cut, and says so. */
class Listening implements Socket {
  readonly #wire: Wire<MemoryServer>
  readonly #machine: Machine
  readonly #listener: NoticeListener
  readonly #heard = (notice: Notice): void => {
    this.#wire.push(() => {
      if (!this.#ended) this.#listener(notice)
    })
  }
  #node: MemoryServer
  #ended = false

  constructor(wire: Wire<MemoryServer>, machine: Machine, listener: NoticeListener) {
    this.#wire = wire
    this.#machine = machine
    this.#listener = listener
    this.#node = wire.node
    this.#begin()
  }

  end(): void {
    this.#ended = true
    this.#wire.close(this)
  }

  goneAtServer(): void {
    this.#node.listeners.delete(this.#heard)
  }

  gone(): void {
    if (this.#ended) return
    this.#machine.after(reconnectMs, () => {
      if (this.#ended) return
      if (!this.#wire.isUp) {
        this.gone()
        return
      }
      this.#begin()
      this.#listener({ type: 'resync' })
    })
  }

  #begin(): void {
    this.#node = this.#wire.node
    this.#node.listeners.add(this.#heard)
    this.#wire.open(this)
  }
}
