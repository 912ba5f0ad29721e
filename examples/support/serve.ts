import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface Site {
  readonly url: string
  close(): Promise<void>
}

/** Serves a web-standard handler by node:http, on a free loopback port. Frameworks bring their own; this is enough to show one. */
export async function serve(handler: (request: Request) => Promise<Response>): Promise<Site> {
  const server = createServer((incoming, outgoing) => {
    const answer = async (): Promise<void> => {
      const response = await handler(await requestOf(incoming))
      outgoing.writeHead(response.status, Object.fromEntries(response.headers))
      outgoing.end(await response.text())
    }
    answer().catch((error: unknown) => outgoing.writeHead(500).end(String(error)))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function requestOf(incoming: IncomingMessage): Promise<Request> {
  const headers = new Headers(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]))
  const body = incoming.method === 'GET' || incoming.method === 'HEAD' ? undefined : await text(incoming)
  const url = new URL(incoming.url ?? '/', 'http://127.0.0.1')
  return new Request(url, { method: incoming.method ?? 'GET', headers, ...(body !== undefined && { body }) })
}
