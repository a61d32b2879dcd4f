import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { build, type Plugin } from 'esbuild'
import manifest from '../package.json' with { type: 'json' }
import { readMigrations } from '../src/database/migrations.ts'

// Makes of the modules that tsc has written to dist/ a few files: each entry point of package.json, and chunks that they
// share, so that a table or an error class is the same one by whichever entry it is imported. Node then reads some files
// in place of a hundred, which is most of what importing the package costs beside Drizzle. The types stay as they are.

const project = join(import.meta.dirname, '..')
const dist = join(project, 'dist')
const output = join(project, 'dist-bundled')

/** Modules that are read by their path: by drizzle-kit. */
const readByPath = ['cli/studio-config.js']

const entries = [
  ...Object.values(manifest.exports).flatMap((target) =>
    typeof target === 'string' ? [] : [target.default],
  ),
  ...Object.values(manifest.bin),
]
  .map((path) => path.replace('./dist/', ''))
  .concat(readByPath)

/** Paths that a module takes from its own place stay right when the module is moved to another file of dist/. */
const keepPlaces: Plugin = {
  name: 'keep places',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]dist[\\/].*\.js$/ }, ({ path }) => {
      const place = relative(dist, path).replaceAll('\\', '/')
      if (place === 'database/migrations.js') return { contents: migrationsModule() }
      const code = readFileSync(path, 'utf8')
      if (!code.includes('import.meta.url')) return undefined
      const root = "import.meta.url.replace(/(\\/dist\\/)(?!.*\\/dist\\/).*$/, '$1')"
      return {
        contents: code.replaceAll('import.meta.url', `new URL(${JSON.stringify(place)}, ${root}).href`),
      }
    })
  },
}

/** The migrations as code: a service that is bundled has no folder to read them from. */
function migrationsModule(): string {
  return `const migrations = ${JSON.stringify(readMigrations())}\nexport const readMigrations = () => migrations\n`
}

rmSync(output, { recursive: true, force: true })
await build({
  entryPoints: entries.map((entry) => join(dist, entry)),
  outbase: dist,
  outdir: output,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  chunkNames: 'chunks/[hash]',
  legalComments: 'none',
  plugins: [keepPlaces],
  logLevel: 'warning',
})

for (const file of filesOf(dist).filter((path) => path.endsWith('.js'))) rmSync(file)
for (const file of filesOf(output)) {
  const target = join(dist, relative(output, file))
  mkdirSync(dirname(target), { recursive: true })
  renameSync(file, target)
}
rmSync(output, { recursive: true })

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
}
