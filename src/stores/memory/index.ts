/** `memory()`: locks within this process, for sync and async code. */
export { memory, type MemoryOptions } from './memory.js'
