import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readSpecification } from '../../api/http/specification.js'
import { handlers } from '../../api/routes/index.js'
import { generatedTypes } from '../../scripts/openapi-types.js'

const root = join(import.meta.dirname, '..', '..')

it('the generated types are those of openapi.yaml', async () => {
  const kept = readFileSync(join(root, 'wire', 'http', 'openapi.d.ts'), 'utf8')
  expect(kept === (await generatedTypes()), 'run npm run types').toBe(true)
}, 60_000)

it('every operation has one handler and every handler an operation', () => {
  const described = readSpecification().operations.map(({ operationId }) => operationId)
  expect(new Set(described).size).toBe(described.length)
  expect(Object.keys(handlers).sort()).toEqual([...described].sort())
})
