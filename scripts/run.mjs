// Runs one command and waits for it: with its output shown, or kept to be shown if it fails.
import { spawn } from 'node:child_process'

const LIMIT_MS = 20 * 60_000
const SIGNALS = ['SIGINT', 'SIGTERM']

/** Runs with the terminal's own output; throws when the command fails. */
export async function run(command, args, options = {}) {
  const { code } = await finish(spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options }))
  if (code !== 0) throw new CommandFailed(`${[command, ...args].join(' ')} failed`, code)
}

/** Runs quietly and answers { code, output }; never throws because of the command's own failure. */
export async function capture(command, args, options = {}) {
  // A process group of its own, so that an end in between takes along what the command has started.
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, ...options })
  const endGroup = (signal) => child.pid && process.kill(-child.pid, signal)
  const interrupt = () => {
    endGroup('SIGTERM')
    process.exit(130)
  }
  const timer = setTimeout(endGroup, LIMIT_MS, 'SIGKILL')
  for (const signal of SIGNALS) process.once(signal, interrupt)
  const chunks = []
  child.stdout.on('data', (chunk) => chunks.push(chunk))
  child.stderr.on('data', (chunk) => chunks.push(chunk))
  const { code, note } = await finish(child)
  clearTimeout(timer)
  for (const signal of SIGNALS) process.off(signal, interrupt)
  return { code, output: Buffer.concat(chunks).toString() + note }
}

/** The npm that runs this script, or else the one on the PATH. */
export function npm(...args) {
  const cli = process.env.npm_execpath
  return cli?.endsWith('.js') ? [process.execPath, [cli, ...args]] : ['npm', args]
}

/** Runs the program of a script: a failure is told in its own words, without a stack, and becomes the exit code. */
export async function main(program) {
  try {
    await program()
  } catch (error) {
    console.error(error.message)
    process.exitCode = error.exitCode || 1
  }
}

class CommandFailed extends Error {
  constructor(message, exitCode) {
    super(`${message} (exit code ${exitCode})`)
    this.exitCode = exitCode
  }
}

function finish(child) {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: 127, note: `${error.message}\n` }))
    child.once('close', (code, signal) => resolve({ code: code ?? 1, note: signal ? `ended by ${signal}\n` : '' }))
  })
}
