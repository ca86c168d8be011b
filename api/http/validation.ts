import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { RedtroveError } from '../../common/errors.js'
import type { Specification, SpecifiedOperation } from './specification.js'

const DOCUMENT = 'openapi.yaml'

/** Checks one request against the document; returns the parts as its schemas turn them, or fails with `bad_request`. */
export type Validator = (parts: { params: unknown; query: unknown; body: unknown }) => {
  params: Record<string, unknown>
  query: Record<string, unknown>
  body: unknown
}

/** Compiles every schema once, at start: a schema that cannot be compiled stops the process, not a request. */
export function validatorsOf(specification: Specification): (operation: SpecifiedOperation) => Validator {
  // The first fault of a request is the only one looked for: a list of many bad values costs no more than one. `verbose` hands the
  // schema's own words (x-refusal) to the sentence.
  const options = { strict: false, allErrors: false, verbose: true, validateFormats: true }
  // Two compilers, because text in an address may stand for a number and text in a body may not.
  const forBodies = prepare(new Ajv2020(options), specification)
  const forAddresses = prepare(new Ajv2020({ ...options, coerceTypes: true }), specification)
  return (operation) => {
    const body = operation.hasBody
      ? forBodies.compile({
          $ref: `${DOCUMENT}${operation.pointer}/requestBody/content/application~1json/schema`,
        })
      : null
    const params = forAddresses.compile(parameterSchema(operation, 'path'))
    const query = forAddresses.compile(parameterSchema(operation, 'query'))
    return (parts) => ({
      params: checked(params, { ...asRecord(parts.params) }, 'path'),
      query: checked(query, { ...asRecord(parts.query) }, 'query'),
      body: body ? checkedBody(body, parts.body, operation.bodyRequired) : undefined,
    })
  }
}

function prepare(ajv: Ajv2020, specification: Specification): Ajv2020 {
  // The default export of a CommonJS module, seen through NodeNext.
  const add = addFormats as unknown as (ajv: Ajv2020) => void
  add(ajv)
  return ajv.addSchema({ ...specification.document, $id: DOCUMENT })
}

function parameterSchema(operation: SpecifiedOperation, place: 'path' | 'query'): object {
  const parameters = operation.parameters.filter((parameter) => parameter.in === place)
  return {
    type: 'object',
    properties: Object.fromEntries(parameters.map((parameter) => [parameter.name, parameter.schema])),
    required: parameters.filter((parameter) => parameter.required).map((parameter) => parameter.name),
  }
}

function checkedBody(validate: ValidateFunction, body: unknown, required: boolean): unknown {
  if (body === undefined) {
    if (required) throw new RedtroveError('bad_request', 'Validation error: the request needs a JSON body.')
    return undefined
  }
  return checked(validate, body, '')
}

function checked<T>(validate: ValidateFunction, value: T, place: string): T {
  if (validate(value)) return value
  throw new RedtroveError('bad_request', `Validation error: ${sentences(validate.errors ?? [], place)}`)
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

/** Path in Trove's manner, reason after it; several joined by "; ". */
function sentences(errors: readonly ErrorObject[], place: string): string {
  const lines = errors
    .filter(({ keyword }) => !['anyOf', 'oneOf', 'if'].includes(keyword))
    .map((error) => sentence(error, place))
  return [...new Set(lines)].slice(0, 10).join('; ')
}

function sentence(error: ErrorObject, place: string): string {
  const [head = place || 'body', ...rest] = error.instancePath.split('/').filter(Boolean)
  const path = `${head}${rest.map((key) => (/^\d+$/.test(key) ? `[${key}]` : `['${key}']`)).join('')}`
  return `${path} ${detail(error)}`
}

function detail({ keyword, params, message, parentSchema }: ErrorObject): string {
  const words: unknown = parentSchema?.['x-refusal']
  if (keyword === 'pattern' && typeof words === 'string') return words
  if (keyword === 'additionalProperties') return `has a key that is not known: '${params.additionalProperty}'`
  if (keyword === 'enum') return `must be one of ${JSON.stringify(params.allowedValues)}`
  return message ?? 'is not valid'
}
