/** Stands in for src/layers/blocking/worker-url.ts in tests: the worker as `npm run build` made it. */
export const workerUrl: URL = new URL('../../dist/layers/blocking/worker.js', import.meta.url)
