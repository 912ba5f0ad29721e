/** The program of the worker thread: it owns a connection, makes the calls that the main thread posts, and renews. */
import { workerData } from 'node:worker_threads'
import { realEnv } from '../../core/env.js'
import { openStore } from '../../features/open-store.js'
import { textOf } from './failure.js'
import type { ToMain, ToWorker, WorkerInput } from './messages.js'
import { serve } from './serve.js'
import { Signal } from './signal.js'

const { url, port, words } = workerData as WorkerInput // written by link.ts
const signal = new Signal(words)

function post(message: ToMain): void {
  port.postMessage(message)
  signal.wake()
}

// The main thread may be asleep and hear no event: it has to be woken when there is nobody left to answer.
process.on('uncaughtExceptionMonitor', (error) => post({ failure: textOf(error) }))
process.on('exit', () => signal.end())

const take = serve({ store: openStore(url, realEnv, 'url'), env: realEnv, post })
port.on('message', (message: ToWorker) => {
  if ('id' in message) signal.take(message.id)
  take(message)
})
