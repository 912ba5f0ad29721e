/** What the reference documents print, line by line, in their own words. */

const underALock = 'This code is executing under a lock with a timeout of 4 seconds and expiration set to 2 seconds'

export interface Documented {
  readonly lines: readonly string[]
  /** Beginnings of lines that ours prints and the document does not: the log of what was asked for. */
  readonly ours?: readonly string[]
  /** How it ends: with an uncaught error, whose last line the document shows. */
  readonly throws?: string
}

/** By the name of the example; its `-sync` sister has to print the same. */
export const documented: Readonly<Record<string, Documented>> = {
  'breaking-it': {
    lines: ['this code is locked and will be executed', 'cool-async-lock is already locked!'],
    throws: 'cool-async-lock is already locked!',
  },
  parameters: {
    lines: [underALock, 'This code is acquiring the same lock under the previous one.'],
  },
  'is-locked': {
    lines: [
      underALock,
      'Lock is still active! Waiting...',
      'Lock is still active! Waiting...',
      'Lock has been released',
      'Acquire the same lock again',
    ],
  },
  'forced-release': {
    lines: [underALock, 'Is the lock currently locked: False', 'Acquire the same lock again'],
  },
  decorator: {
    lines: [
      'Sleep for is locked for argument 3: True',
      'Sleep for is locked for argument 4: False',
      'Sleep for is locked for argument 5: True',
      'Sleep for is locked for argument 5: False',
      'sleep_for_lock-1 is already locked!',
      'Exception: sleep_for_lock-1 is already locked!',
    ],
    ours: ['sleep_for_lock-5 was released by force while held'],
  },
}

/** This one is sync and async by itself. */
export const firstSteps: Documented = {
  lines: ['this code is locked', 'this code is locked, but using async cache'],
}

/** django-toolkit's programs print nothing where they say "do some stuff"; ours do, each assertion of theirs included. */
export const djangoToolkit: Readonly<Record<string, readonly string[]>> = {
  'local-lock': ['do some stuff', 'do some async stuff'],
  'cache-lock': [
    'do some stuff',
    'do some stuff, for 10 seconds at most: true',
    'do other stuff, lock was not acquired',
    'do some stuff, lock is now active',
  ],
}

/**
 * Does ours say what the document says? The only differences: Python's True and False are written small, and
 * "<key> is already locked!" goes on with who holds it, instead of "!".
 */
export function says(ours: string, documented: string): boolean {
  const wanted = documented.replace(/\bTrue$/, 'true').replace(/\bFalse$/, 'false')
  return wanted.endsWith(' is already locked!') ? ours.startsWith(wanted.slice(0, -1)) : ours === wanted
}
