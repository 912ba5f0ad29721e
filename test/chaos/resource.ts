/** The process of the resource. Told by its parent to give the history at the end. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { Ledger } from './ledger.js'
import type { ResourceQuestion, Statement } from './messages.js'

const ledger = new Ledger()
const server = createServer((socket) => {
  const teller = ledger.newTeller()
  socket.setNoDelay(true)
  socket.on('error', () => undefined) // its process was killed
  const lines = createInterface({ input: socket })
  lines.on('error', () => undefined) // of the socket, passed on
  lines.on('line', (line) => {
    const answer = ledger.note(teller, JSON.parse(line) as Statement)
    if (answer !== undefined && !socket.destroyed) socket.write(`${JSON.stringify(answer)}\n`)
  })
}).listen(0, '127.0.0.1')
await once(server, 'listening')
process.send?.({ port: (server.address() as AddressInfo).port })
process.on('disconnect', () => process.exit(0))
process.on('message', (question: ResourceQuestion) => {
  process.send?.(question === 'history' ? ledger.history : ledger.lastGrants)
})
