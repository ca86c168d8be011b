import ts from 'typescript'
import { cyclesOf, type Import, importsOf } from './import-graph.js'
import { breachAt, nodesOf, type Rule, type SourceTree, topFolder, type Violation } from './source-tree.js'

/** Parts that import `common` and never each other. `bin`, `migrations`, `scripts`, `bench` and `test` put parts together. */
export const PARTS = ['api', 'taskmanager', 'guestagent', 'cli', 'supervisor', 'demo'] as const
const COMPOSITION = ['bin', 'scripts', 'bench', 'test']

/** Folders or files that may import a package; `test` and `bench` may import any. */
const PACKAGE_HOMES: Readonly<Record<string, readonly string[]>> = {
  amqplib: ['common/rpc/'],
  ioredis: ['guestagent/redis/admin.ts', 'demo/'],
  knex: ['common/db/', 'migrations/'],
}

export const importRules: readonly Rule[] = [
  {
    claim: 'a part imports itself and common, common imports nobody, and nothing imports the tests',
    breaches: (tree) => importsOf(tree).flatMap((used) => breachOf(used, wrongDirection(used))),
  },
  {
    claim: 'only the control plane sees the store, and the client sees neither store nor queue',
    breaches: (tree) => importsOf(tree).flatMap((used) => breachOf(used, wrongDoor(used))),
  },
  {
    claim: 'there is no import cycle, types included',
    breaches: (tree) =>
      cyclesOf(importsOf(tree)).map((cycle) => ({
        path: cycle[0] ?? '',
        line: 1,
        what: `imports itself through ${cycle.join(' → ')}`,
      })),
  },
  {
    claim: 'amqplib, ioredis and knex each have one home',
    breaches: (tree) => importsOf(tree).flatMap((used) => breachOf(used, strayPackage(used))),
  },
  {
    claim: 'the environment is read in common/config.ts only, and elsewhere only handed to a child',
    breaches: strayEnvironment,
  },
  {
    claim: 'a file in common is used by two programs or by another file of common',
    breaches: lonelyCommonFiles,
  },
]

function breachOf(used: Import, what: string | null): Violation[] {
  return what === null ? [] : [{ path: used.from, line: used.line, what }]
}

function wrongDirection({ from, target }: Import): string | null {
  if (target === null) return null
  const [here, there] = [topFolder(from), topFolder(target)]
  if (here === there || COMPOSITION.includes(here) || here === '') return null
  if (there === 'common' && here !== 'common') return null
  // The schema is run by whoever opens the database, and migrations need nothing of ours.
  if (from === 'common/db/migrate.ts' && there === 'migrations') return null
  return `${here} may not import ${target}`
}

function wrongDoor({ from, target }: Import): string | null {
  const here = topFolder(from)
  if (target === null || !(PARTS as readonly string[]).includes(here)) return null
  const control = here === 'api' || here === 'taskmanager' || here === 'supervisor'
  if (target.startsWith('common/db/') && !control) return `${here} may not see the store (${target})`
  if (target.startsWith('common/rpc/') && here === 'cli') return `${here} may not see the queue (${target})`
  return null
}

function strayPackage({ from, specifier }: Import): string | null {
  const name = Object.keys(PACKAGE_HOMES).find((one) => specifier === one || specifier.startsWith(`${one}/`))
  if (!name || ['test', 'bench'].includes(topFolder(from))) return null
  const homes = PACKAGE_HOMES[name] ?? []
  return homes.some((home) => from.startsWith(home)) ? null : `${name} belongs to ${homes.join(', ')}`
}

function strayEnvironment(tree: SourceTree): readonly Violation[] {
  return tree.sources
    .filter(({ fileName }) => fileName !== 'common/config.ts' && isProduct(fileName))
    .flatMap((source) =>
      [...nodesOf(source)]
        .filter((node) => isEnvironment(node) && !isHandedOn(node))
        .map((node) => breachAt(source, node, 'reads process.env; common/config.ts does that')),
    )
}

function isProduct(path: string): boolean {
  return ['common', 'migrations', 'bin', ...PARTS].includes(topFolder(path))
}

function isEnvironment(node: ts.Node): boolean {
  return ts.isPropertyAccessExpression(node) && node.getText() === 'process.env'
}

/** `env: process.env`, or spread into such an object: an environment for a child process. */
function isHandedOn(node: ts.Node): boolean {
  for (let at: ts.Node = node.parent; at && !ts.isStatement(at); at = at.parent) {
    if (ts.isPropertyAssignment(at)) return at.name.getText() === 'env'
    if (ts.isPropertyAccessExpression(at) || ts.isElementAccessExpression(at)) return false
  }
  return false
}

function lonelyCommonFiles(tree: SourceTree): readonly Violation[] {
  const users = new Map<string, Set<string>>()
  for (const { from, target } of importsOf(tree)) {
    if (!target?.startsWith('common/')) continue
    const program = topFolder(from)
    if (!['common', 'bin', 'migrations', ...PARTS].includes(program)) continue
    users.set(target, (users.get(target) ?? new Set()).add(program === 'common' ? from : program))
  }
  return (
    [...tree.files.keys()]
      .filter((path) => path.startsWith('common/') && path.endsWith('.ts'))
      // Both ends of a wire live side by side, and each end has one user.
      .filter((path) => !path.startsWith('common/rpc/'))
      // The domain is everybody's vocabulary, whoever speaks a word first.
      .filter((path) => !path.startsWith('common/domain/'))
      .flatMap((path) => {
        const by = [...(users.get(path) ?? [])]
        if (by.length >= 2 || by.some((user) => user.startsWith('common/'))) return []
        return [
          { path, line: 1, what: `used by ${by.join(', ') || 'nobody'}; it belongs there, not in common` },
        ]
      })
  )
}
