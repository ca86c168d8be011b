import { describe, expect, it } from 'vitest'
import { importRules } from '../../tidy/import-rules.js'
import { listRules } from '../../tidy/list-rules.js'
import { shapeRules } from '../../tidy/shape-rules.js'
import { treeOf } from '../../tidy/source-tree.js'

const rules = [...importRules, ...shapeRules, ...listRules]

/** Breaches of the one rule whose claim contains `words`, as `path:line`. */
function breaches(words: string, files: Record<string, string>): string[] {
  const [rule, ...others] = rules.filter(({ claim }) => claim.includes(words))
  if (!rule || others.length > 0) throw new Error(`"${words}" names ${others.length + (rule ? 1 : 0)} rules`)
  return rule.breaches(treeOf(files)).map(({ path, line }) => `${path}:${line}`)
}

const lines = (count: number) => 'a()\n'.repeat(count)
const left = (word: string) => `test.${word}('x', () => {})`

describe('a house rule sees', () => {
  it.each([
    ['arrows go down', 'cli/a.ts:2', { 'cli/a.ts': "\nimport '../api/b.js'", 'api/b.ts': '' }],
    ['arrows go down', 'common/a.ts:1', { 'common/a.ts': "import '../cli/b.js'", 'cli/b.ts': '' }],
    ['arrows go down', 'api/a.ts:1', { 'api/a.ts': "import('../test/b.js')", 'test/b.ts': '' }],
    ['arrows go down', 'cli/a.ts:1', { 'cli/a.ts': "import '../store/b.js'", 'store/b.ts': '' }],
    [
      'arrows go down',
      'guestagent/a.ts:1',
      { 'guestagent/a.ts': "import '../store/b.js'", 'store/b.ts': '' },
    ],
    ['arrows go down', 'cli/a.ts:1', { 'cli/a.ts': "import '../wire/broker/b.js'", 'wire/broker/b.ts': '' }],
    ['arrows go down', 'store/a.ts:1', { 'store/a.ts': "import '../wire/b.js'", 'wire/b.ts': '' }],
    [
      'arrows go down',
      'domain/a.ts:1',
      { 'domain/a.ts': "import '../common/clock.js'", 'common/clock.ts': '' },
    ],
    ['the domain is pure', 'domain/a.ts:1', { 'domain/a.ts': "import { readFileSync } from 'node:fs'" }],
    ['amqplib, ioredis and knex', 'api/a.ts:1', { 'api/a.ts': "import { connect } from 'amqplib'" }],
    ['amqplib, ioredis and knex', 'guestagent/a.ts:1', { 'guestagent/a.ts': "export * from 'ioredis'" }],
    ['environment', 'api/a.ts:1', { 'api/a.ts': 'const port = process.env.PORT' }],
    ['environment', 'api/a.ts:1', { 'api/a.ts': 'read(process.env)' }],
    ['used by two programs', 'common/a.ts:1', { 'common/a.ts': '', 'api/b.ts': "import '../common/a.js'" }],
    ['at most 300 lines', 'api/a.ts:300', { 'api/a.ts': lines(301) }],
    ['at most 70 lines of its own', 'api/a.ts:1', { 'api/a.ts': `function a() {\n${lines(70)}}` }],
    [
      'counted whole',
      'api/a.ts:1',
      { 'api/a.ts': `function a() {\n${`const b = () => {\n${lines(30)}}\n`.repeat(3)}}` },
    ],
    ['drawer', 'api/utils.ts:1', { 'api/utils.ts': '' }],
    ['kebab-case', 'api/myFile.ts:1', { 'api/myFile.ts': '' }],
    ['says its unit', 'api/a.ts:1', { 'api/a.ts': 'const syncTimeout = 5' }],
    ['says its unit', 'api/a.ts:1', { 'api/a.ts': 'interface A { heartbeat_age: number }' }],
    ['doc comment', 'api/a.ts:2', { 'api/a.ts': '// not a doc\nexport function a() {}' }],
    ['doc comment', 'common/a.ts:1', { 'common/a.ts': 'export const A = 1' }],
    ['exports have names', 'api/a.ts:1', { 'api/a.ts': 'export default 1' }],
    ['no test is left out', 'test/a.test.ts:1', { 'test/a.test.ts': left('skip') }],
    ['no test is left out', 'test/a.test.ts:1', { 'test/a.test.ts': left('concurrent.only') }],
    ['lock file', 'package-lock.json:1', { 'package-lock.json': '"resolved": "https://x/y.tgz"' }],
    ['path of a machine', 'docs/a.md:1', { 'docs/a.md': ['see ', 'home', 'someone/notes'].join('/') }],
    ['migration is listed', 'migrations/1-a.ts:1', { 'migrations/1-a.ts': '', 'migrations/index.ts': '' }],
  ])('%s: %s', (claim, where, files) => {
    expect(breaches(claim, files)).toEqual([where])
  })

  it('a cycle through types, once, however many files it has', () => {
    const files = {
      'api/a.ts': "import type { B } from './b.js'",
      'api/b.ts': "type C = import('./c.js').C",
      'api/c.ts': "export * from './a.js'",
      'api/d.ts': "import './a.js'",
    }
    expect(breaches('no import cycle', files)).toEqual(['api/a.ts:1'])
  })

  it('an operation without a handler', () => {
    const openapi = 'paths: { /a: { get: { operationId: listThings }, post: { operationId: addThing } } }'
    const files = { 'openapi.yaml': openapi, 'api/routes/things/list-things.ts': '' }
    expect(breaches('operationId', files)).toEqual(['api/routes/*/add-thing.ts:1'])
  })
})

describe('a house rule lets pass', () => {
  it.each([
    ['arrows go down', { 'api/a.ts': "import '../common/b.js'", 'common/b.ts': '' }],
    ['arrows go down', { 'test/a.ts': "import '../api/b.js'", 'api/b.ts': '' }],
    ['the domain is pure', { 'domain/a.ts': "import { z } from 'zod'\nimport '../common/errors.js'" }],
    ['no import cycle', { 'api/a.ts': "import './b.js'", 'api/b.ts': '' }],
    [
      'amqplib, ioredis and knex',
      { 'wire/broker/a.ts': "import 'amqplib'", 'test/a.ts': "import 'ioredis'" },
    ],
    ['environment', { 'supervisor/a.ts': 'spawn(a, { env: { ...process.env, A: b } })' }],
    [
      'used by two programs',
      { 'common/a.ts': '', 'api/b.ts': "import '../common/a.js'", 'cli/b.ts': "import '../common/a.js'" },
    ],
    ['at most 70 lines', { 'test/a.test.ts': `describe('x', () => {\n${lines(80)}})` }],
    [
      'at most 70 lines',
      { 'api/a.ts': `function a() {\n${`const b = () => {\n${lines(30)}}\n`.repeat(3)}}` },
    ],
    ['says its unit', { 'api/a.ts': 'const message = 1, page = 2, timeoutMs = 3, wire = { size: 4 }' }],
    ['says its unit', { 'cli/a.ts': 'interface Flags {\n  /** GB. */\n  size?: number\n}' }],
    ['doc comment', { 'api/a.ts': '/** Says a. */\nexport function a() {}\nfunction b() {}' }],
    ['path of a machine', { 'docs/a.md': 'GET /v1.0/demo/instances/{id}/root/x and ./home/a' }],
  ])('%s: %o', (claim, files) => {
    expect(breaches(claim, files as Record<string, string>)).toEqual([])
  })
})
