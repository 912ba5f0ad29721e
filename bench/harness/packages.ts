import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the project. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

interface PackageJson {
  readonly name: string
  readonly version: string
  readonly type: string
  readonly exports: unknown
}

/** '.' is holdfast itself, anything else a package it has installed. */
export function packageJson(name: string): PackageJson {
  const folder = name === '.' ? root : join(root, 'node_modules', name)
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as PackageJson
}

export function versionOf(name: string): string {
  if (name === 'node') return process.versions.node
  return packageJson(name === 'holdfast' ? '.' : name).version.replace(/^v/, '')
}
