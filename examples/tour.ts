// The tour of `npm start`: several workers contend for one lock, in the memory of this process. Takes about 3 seconds.
import { setTimeout as sleep } from 'node:timers/promises'
import { configure, type Lease, lock, LockedError, LockLostError, type LockOptions } from 'holdfast'
import { sleepSync } from './support/sleep-sync.js'
import { Timeline } from './support/timeline.js'

const timeline = new Timeline()
const { say, chapter } = timeline
configure({ logger: { warn: (message) => say('holdfast', `warns: ${message}`) } })

chapter('One lock, four workers: first come, first served')
await Promise.all(
  ['Ann', 'Bob', 'Cleo', 'Dan'].map(async (name, index) => {
    await sleep(index * 30)
    await hold(name, 'printer', { wait: '5s' }, () => sleep(150))
  }),
)

chapter('A try that does not wait, and a wait that is too short')
await hold('Ann', 'printer', {}, async () => {
  await hold('Bob', 'printer', {})
  await hold('Cleo', 'printer', { wait: '200ms' })
})

chapter('A hard limit: the hold ends when its expire says so, finished or not')
await Promise.all([
  hold('Ann', 'printer', { expire: '300ms' }, async (lease) => {
    await sleep(500)
    say('Ann', `looks up from the work: lease.active is ${lease.active}, ${codeOf(lease)}`)
  }),
  hold('Bob', 'printer', { wait: '5s' }, () => sleep(300)),
])

chapter('A forced release: the operator frees the key, and its holder is told at once')
await hold('Cleo', 'printer', {}, async (lease) => {
  await sleep(100)
  say('operator', `forceRelease(): ${await lock('printer').forceRelease()}`)
  say('Cleo', `lease.active is ${lease.active}, ${codeOf(lease)}`)
})

chapter('A lost lease: the event loop stalls for 500 ms, and the lease lasts for 250 ms')
await hold('Dan', 'printer', { ttl: '250ms' }, async (lease) => {
  await sleep(400)
  say('Dan', `still active after 400 ms, because it was renewed: ${lease.active}`)
  sleepSync(500) // no renewal can be sent, no timer can fire
  say('Dan', `in the very tick after the stall: lease.active is ${lease.active}, ${codeOf(lease)}`)
})

timeline.draw()

/** Asks for `key`, says what comes of it, and works while it is held. */
async function hold(
  name: string,
  key: string,
  options: LockOptions,
  work: (lease: Lease) => Promise<unknown> = () => Promise.resolve(),
): Promise<void> {
  const row = timeline.asks(name)
  say(name, `asks for ${key}${show(options)}`)
  try {
    await lock(key, { ...options, label: name }).run(async (lease) => {
      row.granted()
      say(name, `is granted ${key}, token ${lease.token}`)
      lease.signal.addEventListener('abort', () => row.ends('!'))
      await work(lease)
      if (lease.active) say(name, `releases ${key}`)
    })
    row.ends(']')
  } catch (error) {
    if (error instanceof LockLostError) {
      row.ends('!')
      say(name, `run() throws ${error.name}, code ${error.code}`)
    } else if (error instanceof LockedError) {
      row.ends('x')
      say(name, `is rejected by ${error.name}, code ${error.code}`)
    } else throw error
  }
}

function codeOf({ signal }: Lease): string {
  return `signal.reason.code is ${signal.reason instanceof LockLostError ? signal.reason.code : 'none'}`
}

function show(options: LockOptions): string {
  const text = Object.entries(options).map(([option, value]) => `${option} ${String(value)}`)
  return text.length === 0 ? ', without waiting' : `, ${text.join(', ')}`
}
