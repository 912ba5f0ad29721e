import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** For how long a repeated request keeps its connection. */
const REPLAY_LASTS_MS = 500

/** A TCP proxy that does to connections what networks do. */
export interface Proxy {
  /** The target's URL with the proxy's host and port. */
  readonly url: string
  readonly port: number
  /** Connections that are open now. */
  readonly connections: number
  /** Destroys every connection; new ones are served. */
  cut(): void
  /**
   * Accepts and swallows everything in both directions, the end of a connection too. Turned off, it destroys the connections
   * that lost something.
   */
  blackhole(on: boolean): void
  /** Requests pass, replies are swallowed. Turned off, it destroys the connections that lost something. */
  dropReplies(on: boolean): void
  /** Requests are swallowed; what the server sends, notices too, passes. Turned off, it destroys the connections that lost something. */
  dropRequests(on: boolean): void
  /** The connections that are open now fall silent for good, and neither end hears of it, as with a router that restarted. New ones work. */
  forget(): void
  /**
   * Lets the next request (one that contains `match`, if given) reach the server, and destroys its connection in place of the reply.
   * Resolves when that has happened; by then the server has carried the request out.
   */
  cutOnReply(match?: string): Promise<void>
  /** Holds every reply back for so long. */
  delayMs(ms: number): void
  /** Sends what clients ask of scripts once more, so many milliseconds later, over another connection; 0: no longer. */
  replayAfterMs(ms: number): void
  /** Leads new connections to another server. Those that are open stay where they are: see `cut`. */
  leadTo(targetUrl: string): void
  /** Destroys every connection and stops to listen: the next connect is refused. */
  close(): Promise<void>
}

interface Pair {
  readonly client: Socket
  readonly server: Socket
  /** Bytes of it were swallowed: it can never work again. */
  lossy: boolean
  /** Nothing passes any more, not even its end. */
  silent: boolean
  /** Set when the connection is to be destroyed in place of the next reply; told when that has happened. */
  doom: (() => void) | undefined
  /** Replies that are held back. */
  readonly late: { readonly chunk: Buffer; readonly dueMs: number }[]
  /** Destroys both ends. */
  end(): void
}

interface Faults {
  blackhole: boolean
  dropReplies: boolean
  dropRequests: boolean
  delayMs: number
  replayAfterMs: number
  trap: { match: string; sprung: () => void } | undefined
}

/** Starts a proxy on a free loopback port in front of `targetUrl`. */
export async function startProxy(targetUrl: string): Promise<Proxy> {
  let target = new URL(targetUrl)
  const faults: Faults = {
    blackhole: false,
    dropReplies: false,
    dropRequests: false,
    delayMs: 0,
    replayAfterMs: 0,
    trap: undefined,
  }
  const pairs = new Set<Pair>()
  const dial = (): Socket => connect({ host: target.hostname, port: Number(target.port || 6379) })
  const listener = createServer((client) => {
    const server = dial()
    const end = (): void => {
      client.destroy()
      server.destroy()
      pairs.delete(pair)
    }
    const pair: Pair = { client, server, lossy: false, silent: false, doom: undefined, late: [], end }
    pairs.add(pair)
    join(pair, faults)
    client.on('data', (chunk) => {
      if (faults.replayAfterMs > 0 && scriptCall.test(chunk.toString('latin1')))
        replay(chunk, faults.replayAfterMs, dial)
    })
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  const ownUrl = new URL(targetUrl)
  ownUrl.hostname = '127.0.0.1'
  ownUrl.port = String(port)

  const destroy = (which: (pair: Pair) => boolean): void => {
    for (const pair of pairs) if (which(pair)) pair.end()
  }
  const lossyUnless = (on: boolean): void => {
    if (!on) destroy((pair) => pair.lossy)
  }
  return {
    url: ownUrl.href,
    port,
    get connections() {
      return pairs.size
    },
    cut: () => destroy(() => true),
    blackhole(on) {
      faults.blackhole = on
      lossyUnless(on)
    },
    dropReplies(on) {
      faults.dropReplies = on
      lossyUnless(on)
    },
    dropRequests(on) {
      faults.dropRequests = on
      lossyUnless(on)
    },
    forget() {
      for (const pair of pairs) pair.silent = true
    },
    cutOnReply: (match = '') => new Promise((resolve) => (faults.trap = { match, sprung: resolve })),
    delayMs: (ms) => void (faults.delayMs = ms),
    replayAfterMs: (ms) => void (faults.replayAfterMs = ms),
    leadTo: (url) => void (target = new URL(url)),
    async close() {
      const closed = once(listener, 'close')
      listener.close()
      destroy(() => true)
      await closed
    },
  }
}

const scriptCall = /\r\n(evalsha|eval|set)\r\n/i

/** As a network does that delivers twice. Nobody reads the replies. */
function replay(chunk: Buffer, afterMs: number, dial: () => Socket): void {
  const again = (): void => {
    const socket = dial()
    socket.on('error', () => undefined)
    socket.on('data', () => undefined)
    socket.write(chunk)
    setTimeout(() => socket.destroy(), REPLAY_LASTS_MS).unref()
  }
  setTimeout(again, afterMs).unref()
}

function join(pair: Pair, faults: Faults): void {
  const { client, server } = pair
  client.setNoDelay(true)
  server.setNoDelay(true)
  client.on('data', (chunk) => passRequest(pair, faults, chunk))
  server.on('data', (chunk) => passReply(pair, faults, chunk))
  const ended = (): void => {
    if ((faults.blackhole || pair.silent) && !(client.destroyed && server.destroyed)) pair.lossy = true
    else pair.end()
  }
  for (const socket of [client, server]) socket.on('error', ended).on('close', ended)
}

function passRequest(pair: Pair, faults: Faults, chunk: Buffer): void {
  if (faults.blackhole || faults.dropRequests || pair.silent) {
    pair.lossy = true
    return
  }
  if (faults.trap && chunk.includes(faults.trap.match)) {
    pair.doom = faults.trap.sprung
    faults.trap = undefined
  }
  pair.server.write(chunk)
}

function passReply(pair: Pair, faults: Faults, chunk: Buffer): void {
  if (faults.blackhole || faults.dropReplies || pair.silent) {
    pair.lossy = true
    return
  }
  if (pair.doom) {
    pair.client.destroy()
    pair.doom()
    return
  }
  deliver(pair, chunk, faults.delayMs)
}

/** In order, though the delay may have changed in between and timers come late: bytes that swap places are another's reply. */
function deliver(pair: Pair, chunk: Buffer, delayMs: number): void {
  if (delayMs === 0 && pair.late.length === 0) {
    pair.client.write(chunk)
    return
  }
  pair.late.push({ chunk, dueMs: performance.now() + delayMs })
  if (pair.late.length === 1) setTimeout(() => deliverLate(pair), delayMs)
}

function deliverLate(pair: Pair): void {
  const nowMs = performance.now()
  for (let next = pair.late[0]; next !== undefined; next = pair.late[0]) {
    if (next.dueMs > nowMs) {
      setTimeout(() => deliverLate(pair), next.dueMs - nowMs)
      return
    }
    pair.client.write(next.chunk)
    pair.late.shift()
  }
}
