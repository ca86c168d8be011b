import { expect, it } from 'vitest'
import { readSpecification } from '../../api/http/specification.js'

/** As JSON Schema writes it; only what is looked at here. */
interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly additionalProperties?: unknown
  readonly maxProperties?: number
  readonly maxItems?: number
  readonly maxLength?: number
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
}

const { document, operations } = readSpecification()

function at(pointer: string): Schema {
  const keys = pointer
    .slice(2)
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
  // The document is data; what is not there ends as undefined and fails the test.
  return keys.reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], document) as Schema
}

/** Where a schema lets through text, a list or an object of any size. */
function unbounded(schema: Schema, place: string): readonly string[] {
  if (schema.$ref) return unbounded(at(schema.$ref), place)
  const parts = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])].flatMap((one) =>
    unbounded(one, place),
  )
  const types = [schema.type ?? []].flat()
  const closed = schema.additionalProperties === false || schema.maxProperties !== undefined
  return [
    ...parts,
    ...(types.includes('string') && !schema.enum && schema.maxLength === undefined
      ? [`${place}: maxLength`]
      : []),
    ...(types.includes('array') && schema.maxItems === undefined ? [`${place}: maxItems`] : []),
    ...(types.includes('object') && !closed ? [`${place}: maxProperties`] : []),
    ...(schema.items ? unbounded(schema.items, `${place}[]`) : []),
    ...Object.entries(schema.properties ?? {}).flatMap(([key, one]) => unbounded(one, `${place}.${key}`)),
  ]
}

it('every text, list and object that a request may hold has a bound', () => {
  const bodies = operations.filter(({ hasBody }) => hasBody)
  expect(bodies.length).toBeGreaterThan(4)
  const found = [
    ...bodies.flatMap(({ pointer, operationId }) =>
      unbounded(at(`${pointer}/requestBody/content/application~1json/schema`), operationId),
    ),
    ...operations.flatMap(({ operationId, parameters }) =>
      parameters.flatMap(({ name, schema }) => unbounded(schema as Schema, `${operationId}?${name}`)),
    ),
  ]
  expect(found).toEqual([])
})
