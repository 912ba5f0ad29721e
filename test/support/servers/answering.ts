import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/**
 * A server that clients take for a Redis that is ready, and whose answers to all else a test decides: text, whole numbers, lists,
 * null; text that begins with `-` is an error reply, and bytes go out as they are. It ends with the test.
 */
export async function answeringServer(answer: (command: readonly string[]) => unknown): Promise<{ url: string }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    let pending: Buffer = Buffer.alloc(0)
    let isThird = false
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      const { commands, rest } = commandsIn(Buffer.concat([pending, chunk]))
      pending = rest
      for (const command of commands) {
        isThird ||= command[0]?.toUpperCase() === 'HELLO'
        socket.write(resp(civil(command, isThird) ?? answer(command)))
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** RESP 3: what was not asked for. */
class Pushed {
  readonly items: readonly unknown[]
  constructor(items: readonly unknown[]) {
    this.items = items
  }
}

/** The RESP of a value. Text that begins with `-` is an error reply; bytes go out as they are. */
function resp(value: unknown): Buffer {
  if (value instanceof Uint8Array) return Buffer.from(value)
  if (value === null || value === undefined) return Buffer.from('$-1\r\n')
  if (value instanceof Pushed) return Buffer.concat([Buffer.from('>'), resp(value.items).subarray(1)])
  if (Array.isArray(value)) return Buffer.concat([Buffer.from(`*${value.length}\r\n`), ...value.map(resp)])
  if (typeof value === 'number' && Number.isInteger(value)) return Buffer.from(`:${value}\r\n`)
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  if (text.startsWith('-')) return Buffer.from(`${text.replace(/[\r\n]/g, ' ')}\r\n`)
  return Buffer.from(`$${Buffer.byteLength(text)}\r\n${text}\r\n`)
}

/** The whole commands at the start of `bytes`, as their words, and what is left. */
function commandsIn(bytes: Buffer): { commands: string[][]; rest: Buffer } {
  const commands: string[][] = []
  let at = 0
  const line = (from: number): [text: string, next: number] | undefined => {
    const end = bytes.indexOf('\r\n', from)
    return end < 0 ? undefined : [bytes.toString('latin1', from + 1, end), end + 2]
  }
  for (;;) {
    const head = line(at)
    if (head === undefined) return { commands, rest: bytes.subarray(at) }
    let next = head[1]
    const words: string[] = []
    for (let word = 0; word < Number(head[0]); word++) {
      const size = line(next)
      const end = size === undefined ? Number.POSITIVE_INFINITY : size[1] + Number(size[0])
      if (size === undefined || end + 2 > bytes.length) return { commands, rest: bytes.subarray(at) }
      words.push(bytes.toString('latin1', size[1], end))
      next = end + 2
    }
    commands.push(words)
    at = next
  }
}

/** What a client needs to take it for a server that is ready. */
function civil([name = '', ...args]: readonly string[], isThird: boolean): unknown {
  switch (name.toUpperCase()) {
    case 'INFO':
      return 'redis_version:7.0.15\r\nredis_mode:standalone\r\nloading:0\r\n'
    case 'HELLO':
      return Buffer.from('%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n')
    case 'PING':
      return 'PONG'
    case 'CLIENT':
    case 'SELECT':
      return 'OK'
    case 'SUBSCRIBE':
    case 'SSUBSCRIBE':
      return isThird ? new Pushed([name.toLowerCase(), args[0], 1]) : [name.toLowerCase(), args[0], 1]
    default:
      return undefined
  }
}
