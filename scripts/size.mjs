// Bundles for size-limit to weigh: `import 'holdfast'` (the entry and what it imports statically) into .cache/size/entry,
// src/core by itself, which every entry of the package shares, into .cache/size/core, and holdfast/fence into .cache/size/fence.
// Fails if that part pulls in a package: drivers and the parser are to be loaded when they are needed.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { build } from 'esbuild'

const FOLDER = '.cache/size/entry'
const settings = { bundle: true, minify: true, platform: 'node', target: 'node20', format: 'esm', packages: 'external' }

const { metafile, outputFiles } = await build({
  entryPoints: ['dist/index.js'],
  outdir: FOLDER,
  ...settings,
  splitting: true,
  metafile: true,
  write: false,
  logLevel: 'warning',
})

const loaded = staticPart(metafile, join(FOLDER, 'index.js'))
const packages = [...loaded].flatMap((path) => packagesOf(metafile.outputs[path]))
if (packages.length > 0) throw new Error(`import 'holdfast' loads ${packages.join(', ')}: import it when it is needed`)

rmSync(FOLDER, { recursive: true, force: true })
mkdirSync(FOLDER, { recursive: true })
for (const { path, contents } of outputFiles) {
  if (loaded.has(relative(process.cwd(), path))) writeFileSync(join(FOLDER, basename(path)), contents)
}

const core = readdirSync('dist/core').filter((file) => file.endsWith('.js'))
await build({
  stdin: { contents: core.map((file) => `export * from './dist/core/${file}'`).join('\n'), resolveDir: '.' },
  outfile: '.cache/size/core/core.js',
  ...settings,
})

await build({ entryPoints: ['dist/fence/index.js'], outfile: '.cache/size/fence/fence.js', ...settings })

function staticPart({ outputs }, entry) {
  const seen = new Set([entry])
  for (const path of seen) {
    for (const used of outputs[path].imports) {
      if (used.kind === 'import-statement' && !used.external) seen.add(used.path)
    }
  }
  return seen
}

function packagesOf({ imports }) {
  return imports
    .filter(({ kind, external, path }) => kind === 'import-statement' && external && !path.startsWith('node:'))
    .map(({ path }) => path)
}
