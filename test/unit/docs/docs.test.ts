import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { FAULTS } from '../../../api/http/errors.js'
import { EXIT } from '../../../cli/exit-codes.js'
import { ERROR_KINDS } from '../../../common/errors.js'
import { readSettings } from '../../../common/settings/settings.js'
import { INSTANCE_STATUSES, OPERATING_STATUSES } from '../../../domain/instance/status-words.js'
import { OPERATION_MOVES, type OperationState } from '../../../domain/operation/operation.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')

/** Rows of Markdown tables as trimmed cells, back quotes taken off. */
function rowsOf(markdown: string): readonly (readonly string[])[] {
  return markdown
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replace(/^`([^`]*)`$/, '$1')),
    )
}

describe('the README', () => {
  const rows = rowsOf(read('README.md')).filter(([name]) => name?.startsWith('REDTROVE_'))
  const declared = [...read('common/settings/settings.ts').matchAll(/^ {2}(REDTROVE_[A-Z_]+):/gm)].map(
    ([, name]) => name,
  )

  it('has a row for every setting, in their order', () => {
    expect(rows.map(([name]) => name)).toEqual(declared)
  })

  it('has the default that the program takes', () => {
    const { REDTROVE_STATE_DIR: stateDir, ...defaults } = readSettings({})
    expect(stateDir).toBe(join(process.cwd(), '.redtrove'))
    const known: Record<string, unknown> = { ...defaults, REDTROVE_STATE_DIR: '.redtrove' }
    for (const [name = '', said] of rows) expect([name, said]).toEqual([name, String(known[name] ?? '–')])
  })

  it('says every exit code', () => {
    for (const code of Object.values(EXIT))
      expect(read('README.md')).toMatch(new RegExp(`[ ,:]${code} [a-z\`]`))
  })
})

describe('docs/replication.md', () => {
  it('draws the moves of an operation as the program has them', () => {
    const drawn = [...read('docs/replication.md').matchAll(/^ {2}(\w+|\[\*\]) --> (\w+|\[\*\])$/gm)].map(
      ([, from, to]) => `${from} --> ${to}`,
    )
    const moves = (Object.entries(OPERATION_MOVES) as [OperationState, readonly OperationState[]][]).flatMap(
      ([from, after]) => (after.length === 0 ? [`${from} --> [*]`] : after.map((to) => `${from} --> ${to}`)),
    )
    expect(drawn.sort()).toEqual(['[*] --> pending', ...moves].sort())
  })
})

describe('docs/architecture.md', () => {
  const map = /^## Folders$[\s\S]*?```text\n([\s\S]*?)```/m.exec(read('docs/architecture.md'))?.[1] ?? ''
  const named = map.split('\n').flatMap((line) => {
    const [names = ''] = line
      .trimEnd()
      .split(/ {3,}(?=\S)/)
      .filter((part) => part !== '')
    return names
      .trim()
      .split(' ')
      .map((name) => ({ name, nested: line.startsWith('  ') }))
  })

  it('names in its folder map what is there', () => {
    let folder = ''
    const missing: string[] = []
    for (const { name, nested } of named) {
      if (name === '') continue
      if (!nested && name.endsWith('/')) folder = name
      const path = nested ? join(folder, name) : name
      if (!existsSync(join(root, path))) missing.push(path)
    }
    expect(named.length).toBeGreaterThan(30)
    expect(missing).toEqual([])
  })
})

describe('files that documents name', () => {
  const PATH =
    /`((?:api|cli|common|domain|guestagent|host|store|supervisor|taskmanager|test|wire)\/[\w./-]+\.ts)`/g

  it.each(['docs/seeds.md', 'docs/architecture.md', 'docs/adding-a-capability.md', 'CONTRIBUTING.md'])(
    '%s names what is there',
    (document) => {
      const named = [...read(document).matchAll(PATH)].map(([, path = '']) => path)
      const missing = named.filter(
        (path) => !/NAME|FOLDER|RESOURCE/.test(path) && !existsSync(join(root, path)),
      )
      expect(named.length).toBeGreaterThan(3)
      expect(missing).toEqual([])
    },
  )
})

describe('docs/status-codes.md', () => {
  const rows = rowsOf(read('docs/status-codes.md'))

  it('has every kind of error with its fault', () => {
    const said = rows.filter(([kind]) => (ERROR_KINDS as readonly string[]).includes(kind ?? ''))
    expect(said.map(([kind, code, key]) => [kind, Number(code), key]).sort()).toEqual(
      ERROR_KINDS.map((kind) => [kind, FAULTS[kind].status, FAULTS[kind].name]).sort(),
    )
  })

  it('has the client’s exit code for each', () => {
    for (const [, status, , , exit] of rows.filter((row) => row.length === 5 && Number(row[1]) > 0)) {
      const expected =
        status === '404' ? EXIT.notFound : Number(status) >= 500 ? EXIT.unreachable : EXIT.refused
      expect([status, Number(exit)]).toEqual([status, expected])
    }
  })

  it('has every word of an instance', () => {
    const words = rows.flatMap(([first = '']) => first.split(', '))
    expect(words).toEqual(expect.arrayContaining([...INSTANCE_STATUSES]))
    expect(words).toEqual(expect.arrayContaining(OPERATING_STATUSES.filter((word) => word !== '')))
  })
})

it('every dependency has its reason in docs/adr/0002-libraries.md', () => {
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> } // npm's format
  const said = rowsOf(read('docs/adr/0002-libraries.md')).map(([name]) => name)
  expect(said.slice(2)).toEqual(Object.keys(dependencies))
})

describe('links between documents', () => {
  const documents = ['.', 'docs', 'docs/adr'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name)),
  )

  it.each(documents)('%s points to what is there', (document) => {
    for (const [, target = ''] of read(document).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? document : join(dirname(document), path)
      expect(existsSync(join(root, file)), `${document}: ${target}`).toBe(true)
      if (anchor) expect(anchorsOf(read(file)), `${document}: ${target}`).toContain(anchor)
    }
  })
})

/** Headings as the usual renderers turn them into anchors. */
function anchorsOf(markdown: string): readonly string[] {
  return [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )
}
