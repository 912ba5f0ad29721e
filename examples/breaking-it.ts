// py-cachify, "Let's break it": the second try is refused, logged, and thrown.
import { configure, lock } from 'holdfast'
import { settings } from './support/settings.js'

configure({ ...settings, logger: console })

// #region program
await using _lease = await lock('cool-async-lock').acquire()
console.log('this code is locked and will be executed')

await using _again = await lock('cool-async-lock').acquire()
console.log('we are attempting to acquire a new lock with the same key and will not make it to this print')
// #endregion
