import { basename } from 'node:path'
import ts from 'typescript'
import { PARTS } from './import-rules.js'
import { LONG_FACTORIES } from './long-factories.js'
import { breachAt, nodesOf, type Rule, type SourceTree, topFolder, type Violation } from './source-tree.js'

const FILE_LINES_MAX = 300
const FUNCTION_LINES_MAX = 70
const DRAWERS = /^(utils?|helpers?|misc|types)\.ts$/
/** The unit is a word of the name: `timeoutMs`, `heartbeatAgeMsMax`, `SIZE_BYTES`. */
const NEEDS_UNIT = ['timeout', 'interval', 'age', 'size', 'delay']
/** Where a name is somebody else's (a flag's), the comment says it. */
const UNITS = /\b(milliseconds|seconds|minutes|bytes|KB|MB|GB)\b/i

export const shapeRules: readonly Rule[] = [
  { claim: `a file has at most ${FILE_LINES_MAX} lines`, breaches: longFiles },
  { claim: `a function has at most ${FUNCTION_LINES_MAX} lines of its own`, breaches: longFunctions },
  {
    claim: 'a function is not long counted whole either, but for those that are listed',
    breaches: longFactories,
  },
  { claim: 'no file is a drawer for what has no name', breaches: drawers },
  { claim: 'file names are kebab-case', breaches: oddNames },
  { claim: 'a duration, an age or a size says its unit in its name', breaches: missingUnits },
  { claim: 'what is exported has a doc comment', breaches: missingDocs },
  { claim: 'exports have names', breaches: defaultExports },
]

function longFiles(tree: SourceTree): readonly Violation[] {
  return tree.sources.flatMap((source) => {
    const lines = source.text.trimEnd().split('\n').length
    if (lines <= FILE_LINES_MAX) return []
    return [{ path: source.fileName, line: FILE_LINES_MAX, what: `has ${lines} lines` }]
  })
}

/** Functions within a function count for themselves: a factory of ten small closures is ten small functions, as a class is. */
function longFunctions(tree: SourceTree): readonly Violation[] {
  return tree.sources.flatMap((source) => {
    const within = (node: ts.Node): ts.Node[] =>
      [...nodesOf(node)].filter((other) => other !== node && ts.isFunctionLike(other))
    return [...nodesOf(source)].flatMap((node) => {
      if (!ts.isFunctionLike(node) || isSuite(node)) return []
      const lines = linesOf(source, node) - nestedLines(source, within(node))
      return lines > FUNCTION_LINES_MAX ? [breachAt(source, node, `is a function of ${lines} lines`)] : []
    })
  })
}

/** Of the product; a test's `describe` and a bench's run are lists. */
function longFactories(tree: SourceTree): readonly Violation[] {
  return tree.sources
    .filter(({ fileName }) => PARTS.includes(topFolder(fileName)))
    .flatMap((source) =>
      [...nodesOf(source)].flatMap((node) => {
        if (!ts.isFunctionLike(node)) return []
        const lines = linesOf(source, node)
        const allowed = LONG_FACTORIES[source.fileName] ?? FUNCTION_LINES_MAX
        return lines > allowed ? [breachAt(source, node, `is a function of ${lines} lines, all counted`)] : []
      }),
    )
}

/** Lines between the first and the last of each outermost nested function. */
function nestedLines(source: ts.SourceFile, nested: readonly ts.Node[]): number {
  const outermost = nested.filter(
    (one) => !nested.some((other) => other !== one && other.pos <= one.pos && other.end >= one.end),
  )
  return outermost.reduce((sum, one) => sum + linesOf(source, one) - 1, 0)
}

function linesOf(source: ts.SourceFile, node: ts.Node): number {
  const lineAt = (position: number) => source.getLineAndCharacterOfPosition(position).line
  return lineAt(node.getEnd()) - lineAt(node.getStart(source)) + 1
}

/** The callback of `describe` (also of `describe.each(…)`) is a list of tests, not a function. */
function isSuite(node: ts.Node): boolean {
  return ts.isCallExpression(node.parent) && /^describe\b/.test(node.parent.expression.getText())
}

function drawers(tree: SourceTree): readonly Violation[] {
  return tree.sources
    .filter(({ fileName }) => DRAWERS.test(basename(fileName)))
    .map(({ fileName }) => ({ path: fileName, line: 1, what: 'name it after its subject' }))
}

function oddNames(tree: SourceTree): readonly Violation[] {
  return tree.sources
    .filter(({ fileName }) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)*\.ts$/.test(basename(fileName)))
    .filter(({ fileName }) => topFolder(fileName) !== 'migrations')
    .map(({ fileName }) => ({ path: fileName, line: 1, what: 'is not kebab-case' }))
}

function missingUnits(tree: SourceTree): readonly Violation[] {
  return tree.sources.flatMap((source) =>
    [...nodesOf(source)].flatMap((node) => {
      const name = declaredName(node)
      if (!name || !NEEDS_UNIT.includes(wordsOf(name.text).at(-1) ?? '')) return []
      if (commentsBefore(source, node).some((comment) => UNITS.test(comment))) return []
      return [breachAt(source, name, `${name.text} has no unit (timeoutMs, sizeBytes, …)`)]
    }),
  )
}

/** Names that are ours to choose: not keys of object literals, which may be a wire format's, nor imported ones. */
function declaredName(node: ts.Node): ts.Identifier | null {
  const declares =
    ts.isVariableDeclaration(node) ||
    ts.isParameter(node) ||
    ts.isPropertySignature(node) ||
    ts.isPropertyDeclaration(node)
  return declares && ts.isIdentifier(node.name) ? node.name : null
}

function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split('_')
}

function missingDocs(tree: SourceTree): readonly Violation[] {
  return tree.sources
    .filter(({ fileName }) => !['test', 'bench', ''].includes(topFolder(fileName)))
    .flatMap((source) =>
      source.statements
        .filter((statement) => isExported(statement) && needsDoc(statement) && !hasDoc(source, statement))
        .map((statement) => breachAt(source, statement, `${nameOf(statement)} is exported without a word`)),
    )
}

function needsDoc(statement: ts.Statement): boolean {
  return (
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isVariableStatement(statement)
  )
}

function hasDoc(source: ts.SourceFile, statement: ts.Statement): boolean {
  return commentsBefore(source, statement).some((comment) => comment.startsWith('/**'))
}

function commentsBefore(source: ts.SourceFile, node: ts.Node): readonly string[] {
  const ranges = ts.getLeadingCommentRanges(source.text, node.getFullStart()) ?? []
  return ranges.map(({ pos, end }) => source.text.slice(pos, end))
}

function isExported(statement: ts.Statement): boolean {
  return Boolean(
    ts.canHaveModifiers(statement) &&
      ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword),
  )
}

function nameOf(statement: ts.Statement): string {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => name.getText()).join(', ')
  }
  const named = statement as ts.FunctionDeclaration | ts.ClassDeclaration | ts.InterfaceDeclaration // by needsDoc
  return named.name?.text ?? 'a nameless one'
}

/** vitest asks for a default export in its settings file; nothing else does. */
function defaultExports(tree: SourceTree): readonly Violation[] {
  return tree.sources
    .filter(({ fileName }) => fileName !== 'vitest.config.ts')
    .flatMap((source) =>
      source.statements
        .filter((statement) => ts.isExportAssignment(statement) || isDefault(statement))
        .map((statement) => breachAt(source, statement, 'has a default export')),
    )
}

function isDefault(statement: ts.Statement): boolean {
  return Boolean(
    ts.canHaveModifiers(statement) &&
      ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword),
  )
}
