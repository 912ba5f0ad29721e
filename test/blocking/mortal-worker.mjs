// The built worker, which dies on command: at a look at the key 'throw', 'exit', 'vanish' or 'hang'.
import { workerData } from 'node:worker_threads'
import '../../dist/layers/blocking/worker.js'

workerData.port.on('message', ({ key }) => {
  if (key === 'throw') throw new Error(`the test wanted it, at ${workerData.url}`)
  if (key === 'exit') process.exit(3)
  if (key === 'vanish') {
    process.removeAllListeners('exit') // as when it runs out of memory
    process.exit(4)
  }
  while (key === 'hang');
})
