/** Where the worker's program is. A module of its own, so that tests can put the built one in its place. */
export const workerUrl: URL = new URL('./worker.js', import.meta.url)
