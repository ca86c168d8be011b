import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import ts from 'typescript'

/** Folders that hold nothing of ours. */
const FOREIGN = new Set(['.git', 'node_modules', 'dist', 'coverage', '.redtrove', '.tmp'])
const TEXT = /\.(ts|mts|mjs|js|json|md|yaml|yml|sh|html|txt)$|^[^.]+$/

/** A breach of a house rule, as an editor can jump to it. */
export interface Violation {
  readonly path: string
  readonly line: number
  readonly what: string
}

/** The project's own text files by path (forward slashes, relative to the root), with what the rules ask of them. */
export interface SourceTree {
  readonly files: ReadonlyMap<string, string>
  /** Parsed TypeScript, generated declarations left out; sorted by path. */
  readonly sources: readonly ts.SourceFile[]
}

/** A rule of the house: what it claims, and every place that breaks it. */
export interface Rule {
  readonly claim: string
  readonly breaches: (tree: SourceTree) => readonly Violation[]
}

/** A tree out of memory, for the tests of the rules themselves. */
export function treeOf(files: Readonly<Record<string, string>>): SourceTree {
  const byPath = new Map(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)))
  const sources = [...byPath]
    .filter(([path]) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
    .map(([path, text]) => ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true))
  return { files: byPath, sources }
}

/** Reads the tree under `root`. */
export function readTree(root: string): SourceTree {
  const found: Record<string, string> = {}
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = posix.join(folder, entry.name)
      if (FOREIGN.has(entry.name) || entry.isSymbolicLink()) continue
      if (entry.isDirectory()) walk(path)
      else if (entry.isFile() && TEXT.test(entry.name)) found[path] = readFileSync(join(root, path), 'utf8')
    }
  }
  walk('.')
  return treeOf(found)
}

/** First folder of a path; '' for a file at the root. */
export function topFolder(path: string): string {
  const slash = path.indexOf('/')
  return slash < 0 ? '' : path.slice(0, slash)
}

/** A breach at a node of a parsed file. */
export function breachAt(source: ts.SourceFile, node: ts.Node, what: string): Violation {
  const { line } = source.getLineAndCharacterOfPosition(node.getStart(source))
  return { path: source.fileName, line: line + 1, what }
}

/** Every node of a file, depth first. */
export function* nodesOf(node: ts.Node): Generator<ts.Node> {
  yield node
  for (const child of childrenOf(node)) yield* nodesOf(child)
}

function childrenOf(node: ts.Node): ts.Node[] {
  const children: ts.Node[] = []
  ts.forEachChild(node, (child) => {
    children.push(child)
  })
  return children
}
