/* Compiles the sources into dist. `npm run build`; the other scripts call it when something changed. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const STAMP = join(root, 'dist', '.built')
const SETTINGS = ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'scripts/build.mjs']
const SOURCES = [
  'api',
  'bin',
  'cli',
  'common',
  'demo',
  'domain',
  'guestagent',
  'host',
  'migrations',
  'store',
  'supervisor',
  'taskmanager',
  'wire',
]

/** Whether dist is older than what it is made of. */
export function isStale() {
  const builtMs = mtimeMs(STAMP)
  return (
    SETTINGS.some((file) => mtimeMs(join(root, file)) > builtMs) ||
    SOURCES.some((it) => holdsNewer(it, builtMs))
  )
}

/** Builds dist; may be repeated. */
export async function build() {
  compile()
  await bundleAgent()
  mkdirSync(dirname(STAMP), { recursive: true })
  writeFileSync(STAMP, '')
}

function compile() {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { status, stdout, stderr } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
    cwd: root,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`The sources do not compile:\n${stdout}${stderr}`)
}

/**
 * The agent with all that it imports in one file, in place of the compiled one: an agent starts for every instance, and reading
 * four hundred files is half the processor time of a start (docs/performance.md).
 */
async function bundleAgent() {
  const { build: bundle } = await import('esbuild')
  await bundle({
    entryPoints: [join(root, 'guestagent', 'main.ts')],
    outfile: join(root, 'dist', 'guestagent', 'main.js'),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    sourcemap: 'linked',
    // What the packages within ask for by require() is only what Node brings along.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
    logLevel: 'error',
  })
}

function holdsNewer(source, builtMs) {
  return readdirSync(join(root, source), { recursive: true, withFileTypes: true }).some(
    (entry) =>
      entry.name.endsWith('.ts') && mtimeMs(join(entry.parentPath ?? entry.path, entry.name)) > builtMs,
  )
}

function mtimeMs(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await build().catch((error) => {
    process.stderr.write(`redtrove: ${error.message}\n`)
    process.exitCode = 1
  })
}
