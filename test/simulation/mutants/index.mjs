// One-line bugs, each of which has to be found. `from` has to stand in `file` exactly once, and becomes `to`. `after` says
// which library had the bug; `classic` names those against which the first simulator was tried. `tests`: the file of tests
// that finds it, where the simulator does not: it runs no such code. `features`: looked for among the seeds of `--features`.
import { features } from './features.mjs'
import { severalKeys } from './several.mjs'
import { scopes } from './scopes.mjs'
import { stores } from './stores.mjs'
import { tested } from './tested.mjs'
import { timing } from './timing.mjs'
import { waiting } from './waiting.mjs'

/** All of them, in the order of the table. */
export const mutants = [...timing, ...waiting, ...stores, ...severalKeys, ...tested, ...scopes, ...features]
