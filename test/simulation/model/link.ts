import type { Driver, Subscriber } from '../../../src/stores/redis/client.js'
import type { Link } from '../../../src/stores/redis/link.js'
import type { Socket, Wire } from '../network.js'
import { allScripts, type ScriptName } from './call.js'
import type { ModelServer } from './server.js'

const nameByText = new Map<string, ScriptName>(allScripts.map(([name, { text }]) => [text, name]))

/** The way of the shipped Redis store to a modelled server: calls through one connection, notices through another. */
export function modelLink(wire: Wire<ModelServer>): Link {
  const driver: Driver = {
    keyPrefix: '',
    secrets: [],
    shards: undefined,
    refusal: () => undefined,
    evalsha: (sha, keys, args) => wire.call((node) => node.evalsha(sha, keys, args)),
    eval: (text, keys, args) => wire.call((node) => node.eval(scriptOf(text), keys, args)),
    get: (name) => wire.call((node) => node.get(name)),
    scanners: () => Promise.resolve([]),
    subscriber: (onLost) => Promise.resolve(subscriber(wire, onLost)),
  }
  return {
    keyPrefix: '',
    secrets: [],
    shards: undefined,
    driver: () => driver,
    opening: () => undefined,
    failed: () => undefined,
    sent: () => undefined,
    ended: () => undefined,
    close: () => undefined,
  }
}

export function scriptOf(text: string): ScriptName {
  const name = nameByText.get(text)
  if (name === undefined) throw new Error('ERR unknown script')
  return name
}

function subscriber(wire: Wire<ModelServer>, onLost: () => void): Subscriber {
  let isOpen = false
  let isClosed = false
  let socket: Socket | undefined
  return {
    open: async (channel, onMessage) => {
      const { cuts } = wire
      const opened = await wire.call((node) => {
        if (isClosed || cuts !== wire.cuts) throw new Error('ERR the connection was closed')
        if (node.errorReply !== undefined) throw new Error(node.errorReply)
        const receive = (text: string): void => {
          wire.push(() => {
            if (isOpen) onMessage(text)
          })
        }
        const subscription = { channel, receive, lost: () => wire.drop(made) }
        const made: Socket = {
          goneAtServer: () => node.unsubscribe(subscription),
          gone: () => {
            if (!isOpen && socket !== undefined) return
            isOpen = false
            onLost()
          },
        }
        node.subscribe(subscription)
        wire.open(made)
        socket = made
        return made
      }, true)
      isOpen = !isClosed
      if (isClosed) wire.close(opened)
    },
    close: () => {
      isOpen = false
      isClosed = true
      if (socket !== undefined) wire.close(socket)
    },
  }
}
