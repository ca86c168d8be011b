import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { RedtroveError } from '../../common/errors.js'

/** HTTP methods that openapi.yaml may describe. */
export const METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const
export type HttpMethod = (typeof METHODS)[number]

/** A parameter of the document, as OpenAPI writes it. */
export interface ParameterObject {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required?: boolean
  readonly schema: object
}

/** An operation of openapi.yaml with where it stands. */
export interface SpecifiedOperation {
  readonly operationId: string
  readonly method: HttpMethod
  /** OpenAPI path, for example /v1.0/{project_id}/flavors */
  readonly path: string
  /** JSON pointer of the operation in the document. */
  readonly pointer: string
  readonly parameters: readonly ParameterObject[]
  readonly hasBody: boolean
  readonly bodyRequired: boolean
  readonly isOpen: boolean
}

// The document is read as data; what we rely on is checked here and by the API's own tests.
type Json = { readonly [key: string]: Json }

/** openapi.yaml as text, as data, and operation by operation. */
export interface Specification {
  readonly text: string
  readonly document: object
  readonly operations: readonly SpecifiedOperation[]
}

/** Reads openapi.yaml, which lies at the root of the package, beside the sources or above the build. */
export function readSpecification(): Specification {
  const text = readFileSync(specificationFile(), 'utf8')
  const document: Json = parse(text)
  const operations: SpecifiedOperation[] = []
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const method of METHODS) {
      const operation = item[method]
      if (operation) operations.push(specified(document, path, method, item, operation))
    }
  }
  return {
    text,
    document,
    operations: operations.sort(bySpecificity),
  }
}

function specificationFile(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  for (let up = 0; up < 4; up++) {
    const file = join(folder, 'openapi.yaml')
    if (existsSync(file)) return file
    folder = dirname(folder)
  }
  throw new RedtroveError('bad_setting', 'openapi.yaml is missing beside the program; install it anew.')
}

function specified(
  document: Json,
  path: string,
  method: HttpMethod,
  item: Json,
  operation: Json,
): SpecifiedOperation {
  const parameters = [...asArray(item.parameters), ...asArray(operation.parameters)].map((one) =>
    resolve(document, one),
  )
  return {
    operationId: String(operation.operationId),
    method,
    path,
    pointer: `#/paths/${path.replaceAll('~', '~0').replaceAll('/', '~1')}/${method}`,
    // Parameters of the document are in this shape; a contract test reads the whole file against the OpenAPI rules.
    parameters: parameters as unknown as ParameterObject[],
    hasBody: operation.requestBody !== undefined,
    bodyRequired: String(operation.requestBody?.required ?? false) === 'true',
    isOpen: Array.isArray(operation.security) && operation.security.length === 0,
  }
}

function asArray(value: unknown): Json[] {
  return Array.isArray(value) ? value : []
}

function resolve(document: Json, value: Json): Json {
  const reference = value.$ref
  if (typeof reference !== 'string') return value
  return (reference as string)
    .slice(2)
    .split('/')
    .reduce<Json>((node, key) => node[key] ?? {}, document)
}

/** Fixed segments come before named ones, so that /instances/detail is not taken for an id. */
function bySpecificity(a: SpecifiedOperation, b: SpecifiedOperation): number {
  // '~' stands after every letter in the order of code points, which is not the order of a language.
  const [one = '', other = ''] = [a, b].map(({ path }) => path.replaceAll(/\{\w+\}/g, '~'))
  return one === other ? 0 : one < other ? -1 : 1
}
