import { posix } from 'node:path'
import ts from 'typescript'
import { nodesOf, type SourceTree } from './source-tree.js'

/** One import, re-export, dynamic import or `import('…')` type, type-only ones included. */
export interface Import {
  readonly from: string
  readonly line: number
  /** As written. */
  readonly specifier: string
  /** Path of ours that it names; null for a package. */
  readonly target: string | null
}

/** Every import of every source, in order. */
export function importsOf(tree: SourceTree): readonly Import[] {
  return tree.sources.flatMap((source) =>
    [...nodesOf(source)].flatMap((node) => {
      const specifier = specifierOf(node)
      if (!specifier) return []
      const { line } = source.getLineAndCharacterOfPosition(specifier.getStart(source))
      const target = targetOf(tree, source.fileName, specifier.text)
      return [{ from: source.fileName, line: line + 1, specifier: specifier.text, target }]
    }),
  )
}

/** Groups of files that reach each other through imports, each sorted; none when there are no cycles. */
export function cyclesOf(imports: readonly Import[]): readonly (readonly string[])[] {
  const next = new Map<string, string[]>()
  for (const { from, target } of imports) {
    if (target) next.set(from, [...(next.get(from) ?? []), target])
  }
  const reach = new Map([...next.keys()].map((path) => [path, reachedFrom(path, next)]))
  const cyclic = [...reach.keys()].filter((path) => reach.get(path)?.has(path))
  const groups = cyclic.map((path) => cyclic.filter((other) => together(reach, path, other)).sort())
  return [...new Map(groups.map((group) => [group.join(), group])).values()]
}

function together(reach: ReadonlyMap<string, ReadonlySet<string>>, one: string, other: string): boolean {
  return Boolean(reach.get(one)?.has(other) && reach.get(other)?.has(one))
}

function reachedFrom(start: string, next: ReadonlyMap<string, readonly string[]>): Set<string> {
  const seen = new Set<string>()
  const open = [...(next.get(start) ?? [])]
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (seen.has(path)) continue
    seen.add(path)
    open.push(...(next.get(path) ?? []))
  }
  return seen
}

function specifierOf(node: ts.Node): ts.StringLiteral | null {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
    return node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier) ? node.moduleSpecifier : null
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return ts.isStringLiteral(node.argument.literal) ? node.argument.literal : null
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [argument] = node.arguments
    return argument && ts.isStringLiteral(argument) ? argument : null
  }
  return null
}

function targetOf(tree: SourceTree, from: string, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null
  const path = posix.join(posix.dirname(from), specifier)
  const candidates = [path.replace(/\.js$/, '.ts'), path.replace(/\.js$/, '.d.ts'), path]
  return candidates.find((candidate) => tree.files.has(candidate)) ?? candidates[0] ?? null
}
