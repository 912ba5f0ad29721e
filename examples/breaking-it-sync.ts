// py-cachify, "Let's break it", without promises.
import { configure, lock } from 'holdfast'
import { syncSettings } from './support/settings.js'

configure({ ...syncSettings, logger: console })

// #region program
using _lease = lock('cool-async-lock').acquireSync()
console.log('this code is locked and will be executed')

using _again = lock('cool-async-lock').acquireSync()
console.log('we are attempting to acquire a new lock with the same key and will not make it to this print')
// #endregion
