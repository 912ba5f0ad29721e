import { connect } from 'node:net'

export type Reply = string | number | null | Reply[]

/** Sends one command to Redis over a connection of its own, without any client library; an error reply rejects. */
export function redisCommand(url: string, args: readonly string[], timeoutMs = 20_000): Promise<Reply> {
  const { hostname, port, username, password, pathname } = new URL(url)
  const before = [
    ...(password ? [['AUTH', ...(username ? [username] : []), decodeURIComponent(password)]] : []),
    ...(pathname.length > 1 ? [['SELECT', pathname.slice(1)]] : []),
  ]
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port || 6379) })
    let received = ''
    socket.setEncoding('latin1').setTimeout(timeoutMs)
    const settle = (act: () => void): void => {
      socket.destroy()
      act()
    }
    socket.on('connect', () => socket.write([...before, args].map(encode).join('')))
    socket.on('data', (chunk: string) => {
      received += chunk
      const replies = decodeAll(received)
      const failed = replies.find((reply) => reply instanceof Error)
      const last = replies[before.length]
      if (failed) settle(() => reject(failed))
      else if (last !== undefined) settle(() => resolve(last as Reply))
    })
    socket.on('timeout', () => settle(() => reject(new Error(`no reply from ${hostname}:${port} in ${timeoutMs} ms`))))
    socket.on('error', (error) => settle(() => reject(error)))
    socket.on('close', () => settle(() => reject(new Error(`${hostname}:${port} closed the connection`))))
  })
}

function encode(args: readonly string[]): string {
  return `*${args.length}\r\n${args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`).join('')}`
}

function decodeAll(text: string): (Reply | Error)[] {
  const replies: (Reply | Error)[] = []
  for (let at = 0; at < text.length;) {
    const next = decode(text, at)
    if (next === undefined) break
    replies.push(next.value)
    at = next.end
  }
  return replies
}

/** The reply (RESP2) that starts at `at`, or undefined as long as a part of it is missing. */
function decode(text: string, at: number): { value: Reply | Error; end: number } | undefined {
  const lineEnd = text.indexOf('\r\n', at)
  if (lineEnd === -1) return undefined
  const line = text.slice(at + 1, lineEnd)
  const end = lineEnd + 2
  switch (text[at]) {
    case '+':
      return { value: line, end }
    case '-':
      return { value: new Error(line), end }
    case ':':
      return { value: Number(line), end }
    case '$':
      return decodeBulk(text, end, Number(line))
    case '*':
      return decodeArray(text, end, Number(line))
    default:
      throw new Error(`not a reply of Redis: ${line}`)
  }
}

function decodeBulk(text: string, at: number, length: number): { value: Reply; end: number } | undefined {
  if (length === -1) return { value: null, end: at }
  if (text.length < at + length + 2) return undefined
  return { value: Buffer.from(text.slice(at, at + length), 'latin1').toString(), end: at + length + 2 }
}

function decodeArray(text: string, at: number, length: number): { value: Reply; end: number } | undefined {
  if (length === -1) return { value: null, end: at }
  const items: Reply[] = []
  let end = at
  while (items.length < length) {
    const next = decode(text, end)
    if (next === undefined) return undefined
    items.push(next.value as Reply)
    end = next.end
  }
  return { value: items, end }
}
