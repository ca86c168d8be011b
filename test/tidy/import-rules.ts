import ts from 'typescript'
import { cyclesOf, type Import, importsOf } from './import-graph.js'
import { breachAt, nodesOf, type Rule, type SourceTree, topFolder, type Violation } from './source-tree.js'

/** What each folder may import beside itself: arrows go down only (docs/architecture.md draws them). */
const BELOW: Readonly<Record<string, readonly string[]>> = {
  common: [],
  // Decisions and vocabulary, without a database, a queue, a clock or a file.
  domain: ['common/errors.ts'],
  // Rows and messages do not know of each other.
  store: ['domain/', 'common/'],
  wire: ['domain/', 'common/'],
  api: ['store/', 'wire/', 'domain/', 'common/'],
  taskmanager: ['store/', 'wire/', 'domain/', 'common/'],
  guestagent: ['wire/', 'domain/', 'common/'],
  host: ['wire/', 'domain/', 'common/'],
  supervisor: ['host/', 'wire/', 'domain/', 'common/'],
  cli: ['wire/http/', 'common/'],
  demo: ['wire/http/', 'domain/', 'common/'],
  migrations: [],
}
/** Folders with rules for their imports: all but those that put parts together. */
export const PARTS = Object.keys(BELOW)
/** They put parts together, and nobody imports them. */
const COMPOSITION = ['bin', 'scripts', 'bench', 'test']
/** Packages that the pure storey may use. */
const PURE_PACKAGES = ['zod']

/** Folders or files that may import a package; `test` and `bench` may import any. */
const PACKAGE_HOMES: Readonly<Record<string, readonly string[]>> = {
  amqplib: ['wire/broker/', 'wire/agent/', 'wire/control/'],
  ioredis: ['guestagent/redis/admin.ts', 'demo/'],
  knex: ['store/', 'migrations/'],
}

export const importRules: readonly Rule[] = [
  {
    claim: 'arrows go down: a folder imports itself and what lies below it',
    breaches: (tree) => importsOf(tree).flatMap((used) => breachOf(used, wrongDirection(used))),
  },
  {
    claim: 'the domain is pure: zod, and the kinds of errors',
    breaches: (tree) => importsOf(tree).flatMap((used) => breachOf(used, impure(used))),
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
    claim:
      'the environment is read in common/settings/settings.ts only, and elsewhere only handed to a child',
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
  if (BELOW[here]?.some((below) => target.startsWith(below))) return null
  // The schema is run by whoever opens the database, and migrations need nothing of ours.
  if (from === 'store/migrate.ts' && there === 'migrations') return null
  return `${here} may not import ${target}`
}

function impure({ from, target, specifier }: Import): string | null {
  if (topFolder(from) !== 'domain' || target !== null || PURE_PACKAGES.includes(specifier)) return null
  return `the domain may not import ${specifier}`
}

function strayPackage({ from, specifier }: Import): string | null {
  const name = Object.keys(PACKAGE_HOMES).find((one) => specifier === one || specifier.startsWith(`${one}/`))
  if (!name || ['test', 'bench'].includes(topFolder(from))) return null
  const homes = PACKAGE_HOMES[name] ?? []
  return homes.some((home) => from.startsWith(home)) ? null : `${name} belongs to ${homes.join(', ')}`
}

function strayEnvironment(tree: SourceTree): readonly Violation[] {
  return tree.sources
    .filter(({ fileName }) => fileName !== 'common/settings/settings.ts' && isProduct(fileName))
    .flatMap((source) =>
      [...nodesOf(source)]
        .filter((node) => isEnvironment(node) && !isHandedOn(node))
        .map((node) => breachAt(source, node, 'reads process.env; common/settings/settings.ts does that')),
    )
}

function isProduct(path: string): boolean {
  return ['bin', ...PARTS].includes(topFolder(path))
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
    if (!['bin', ...PARTS].includes(program)) continue
    users.set(target, (users.get(target) ?? new Set()).add(program === 'common' ? from : program))
  }
  return [...tree.files.keys()]
    .filter((path) => path.startsWith('common/') && path.endsWith('.ts'))
    .flatMap((path) => {
      const by = [...(users.get(path) ?? [])]
      if (by.length >= 2 || by.some((user) => user.startsWith('common/'))) return []
      return [
        { path, line: 1, what: `used by ${by.join(', ') || 'nobody'}; it belongs there, not in common` },
      ]
    })
}
