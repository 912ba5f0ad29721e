// A proxy in a process of its own, for tests that block their thread: does [fault, value], and answers when it is done.
import { startProxy } from '../support/servers/proxy.ts'

const proxy = await startProxy(process.argv[2])
process.on('message', ([fault, value]) => {
  proxy[fault](value)
  process.send('done')
})
process.once('disconnect', () => process.exit())
process.send(proxy.url)
