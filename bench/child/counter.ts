/** A number in a file that nothing protects but the lock around it: read at the start of a section, written at its end. */
import { closeSync, openSync, readSync, writeSync } from 'node:fs'

const BYTES = 8

export class Counter {
  readonly #file: number
  readonly #bytes = Buffer.alloc(BYTES)

  constructor(path: string, mode: 'new' | 'existing') {
    this.#file = openSync(path, mode === 'new' ? 'w+' : 'r+')
    if (mode === 'new') this.write(0)
  }

  read(): number {
    readSync(this.#file, this.#bytes, 0, BYTES, 0)
    return this.#bytes.readDoubleLE()
  }

  write(value: number): void {
    this.#bytes.writeDoubleLE(value)
    writeSync(this.#file, this.#bytes, 0, BYTES, 0)
  }

  close(): void {
    closeSync(this.#file)
  }
}
