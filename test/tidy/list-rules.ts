import { parse } from 'yaml'
import { OPERATION_KINDS } from '../../domain/operation/kinds/index.js'
import type { Rule, SourceTree, Violation } from './source-tree.js'

const METHODS = ['get', 'post', 'put', 'patch', 'delete']

export const listRules: readonly Rule[] = [
  { claim: 'every operationId has a file of its name in api/routes', breaches: missingHandlers },
  { claim: 'every kind of operation has a workflow and a test of it', breaches: missingWorkflows },
  { claim: 'every migration is listed', breaches: unlistedMigrations },
  { claim: 'no test is left out', breaches: skippedTests },
  { claim: 'the lock file names no address', breaches: lockedAddresses },
  { claim: 'no path of a machine is in the tree', breaches: machinePaths },
]

/** operationIds of openapi.yaml in the order they are written. */
export function operationIdsOf(openapi: string): readonly string[] {
  const { paths } = parse(openapi) as { paths: Record<string, Record<string, { operationId?: string }>> } // as OpenAPI has it
  return Object.values(paths).flatMap((path) => METHODS.flatMap((method) => path[method]?.operationId ?? []))
}

function missingHandlers(tree: SourceTree): readonly Violation[] {
  const openapi = tree.files.get('openapi.yaml')
  if (openapi === undefined) return [{ path: 'openapi.yaml', line: 1, what: 'is missing' }]
  return operationIdsOf(openapi)
    .map(kebab)
    .filter((name) => !hasFile(tree, 'api/routes/', name))
    .map((name) => ({ path: `api/routes/*/${name}.ts`, line: 1, what: 'is missing' }))
}

function missingWorkflows(tree: SourceTree): readonly Violation[] {
  return OPERATION_KINDS.map((kind) => kind.replaceAll('_', '-'))
    .flatMap((name) => [
      { folder: 'taskmanager/workflows/', name },
      { folder: 'test/workflows/', name: `${name}.test` },
    ])
    .filter(({ folder, name }) => !hasFile(tree, folder, name))
    .map(({ folder, name }) => ({ path: `${folder}${name}.ts`, line: 1, what: 'is missing' }))
}

/** Somewhere below the folder. */
function hasFile(tree: SourceTree, folder: string, name: string): boolean {
  return [...tree.files.keys()].some((path) => path.startsWith(folder) && path.endsWith(`/${name}.ts`))
}

function unlistedMigrations(tree: SourceTree): readonly Violation[] {
  const list = tree.files.get('migrations/index.ts')
  if (list === undefined) return [{ path: 'migrations/index.ts', line: 1, what: 'is missing' }]
  return [...tree.files.keys()]
    .filter((path) => /^migrations\/\d.*\.ts$/.test(path))
    .filter((path) => !list.includes(path.replace('migrations/', '').replace(/\.ts$/, '.js')))
    .map((path) => ({ path, line: 1, what: 'is not in migrations/index.ts' }))
}

function skippedTests(tree: SourceTree): readonly Violation[] {
  const mark =
    /\b(?:it|test|describe|suite)(?:\.\w+)*\.(?:only|skip|todo|skipIf|runIf|fails)\b|\bcontext\.skip\(/
  return matches(tree, (path) => path.startsWith('test/') && path.endsWith('.test.ts'), mark)
}

function lockedAddresses(tree: SourceTree): readonly Violation[] {
  return matches(tree, (path) => path.endsWith('package-lock.json'), /"resolved":\s*"\w+:/)
}

function machinePaths(tree: SourceTree): readonly Violation[] {
  return matches(tree, () => true, /(?<![\w}.:~-])\/(?:work|home|root|Users)\/\w/)
}

/** Lines of files that `where` picks and `mark` finds. */
function matches(tree: SourceTree, where: (path: string) => boolean, mark: RegExp): readonly Violation[] {
  return [...tree.files]
    .filter(([path]) => where(path))
    .flatMap(([path, text]) =>
      text.split('\n').flatMap((line, index) => {
        const found = mark.exec(line)
        return found ? [{ path, line: index + 1, what: `says ${found[0]}` }] : []
      }),
    )
}

function kebab(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase()
}
