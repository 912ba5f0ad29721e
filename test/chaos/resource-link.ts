import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import type { Answer, Statement } from './messages.js'

type Unsent<T> = T extends { readonly id: number } ? Omit<T, 'id'> : never
type Question = Unsent<Statement>
type Remark = Exclude<Statement, { readonly id: number }>

/** A client's connection to the resource. What is said arrives though the client is killed right after. */
export interface ResourceLink {
  tell(remark: Remark): void
  ask(question: Question): Promise<Answer>
  close(): void
}

export async function linkTo(port: number): Promise<ResourceLink> {
  const socket = connect({ host: '127.0.0.1', port }).setNoDelay(true)
  await once(socket, 'connect')
  const pending = new Map<number, (answer: Answer) => void>()
  let asked = 0
  createInterface({ input: socket }).on('line', (line) => {
    const answer = JSON.parse(line) as Answer
    pending.get(answer.id)?.(answer)
    pending.delete(answer.id)
  })
  const send = (statement: Statement): void => void socket.write(`${JSON.stringify(statement)}\n`)
  return {
    tell: send,
    ask: (question) =>
      new Promise((resolve) => {
        const id = ++asked
        pending.set(id, resolve)
        send({ ...question, id })
      }),
    close: () => socket.end(),
  }
}
