/* The real app over a real store, SQLite when nothing else is said; every answer is held against openapi.yaml. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import supertest from 'supertest'
import { expect } from 'vitest'
import { createApp } from '../../api/app.js'
import type { ApiContext } from '../../api/context.js'
import { readSpecification } from '../../api/http/specification.js'
import { systemClock } from '../../common/clock.js'
import { createLogger } from '../../common/log.js'
import { keyRing } from '../../common/secrets/key-ring.js'
import { readSettings } from '../../common/settings/settings.js'
import { operationDoor } from '../../store/operations/door.js'
import { sealCredentials } from '../../store/sealed-credentials.js'
import { openSqlite, type TestDatabase } from './database.js'
import { observed } from './observed.js'
import { finish, report, storedSet } from './stored.js'

export const TOKENS = [
  { token: 'demo-token-0123456789', project: 'demo', admin: false },
  { token: 'other-token-0123456789', project: 'other', admin: false },
  { token: 'admin-token-0123456789', project: 'admin', admin: true },
] as const
export type Project = (typeof TOKENS)[number]['project']

export interface TestApi {
  readonly store: TestDatabase['store']
  readonly context: ApiContext
  readonly announced: readonly string[]
  /** A request under /v1.0/PROJECT with that project's token; the answer has been validated. */
  send(
    method: 'get' | 'post' | 'put' | 'patch' | 'delete',
    path: string,
    body?: unknown,
    project?: Project,
  ): Promise<supertest.Response>
  /** A request as it is, without token; not validated. */
  raw(): ReturnType<typeof supertest>
  /** A healthy set: reports that are fresh, replicas linked. Ids, source first. */
  healthySet(replicas: number, project?: Project): Promise<readonly string[]>
  /** Ends the open operation of an instance. */
  finish(instanceId: string, changes?: Parameters<typeof finish>[2]): Promise<void>
  close(): Promise<void>
}

/** `open` makes the database; see `describeOnBoth`. */
export async function openTestApi(
  env: Record<string, string> = {},
  open: () => Promise<TestDatabase> = openSqlite,
): Promise<TestApi> {
  const database = await open()
  const { store } = database
  const ring = keyRing(Buffer.alloc(32, 7))
  const announced: string[] = []
  const log = createLogger('test-api', 'silent')
  const context: ApiContext = {
    settings: readSettings(env),
    store,
    keyRing: ring,
    tokens: TOKENS,
    clock: systemClock,
    log,
    openOperation: operationDoor({
      operations: store.operations,
      announce: (id) => void announced.push(id),
      log,
    }),
  }
  await store.catalog.offer([{ datastore: 'redis', name: '7.0', version: '7.0.15' }])
  const [version] = await store.catalog.datastoreVersions()
  const agent = supertest(createApp(context))
  const validate = answerValidator()
  return {
    store,
    context,
    announced,
    raw: () => agent,
    send: async (method, path, body, project = 'demo') => {
      const token = TOKENS.find((one) => one.project === project)?.token ?? ''
      const call = agent[method](`/v1.0/${project}${path}`).set('x-auth-token', token)
      const response = body === undefined ? await call : await call.send(body as object)
      expect(response.headers['x-openstack-request-id']).toMatch(/^req-[0-9a-f-]{36}$/)
      validate(method, `/v1.0/${project}${path}`, response)
      return response
    },
    healthySet: async (replicas, project = 'demo') => {
      const sealedCredentials = sealCredentials(ring, {
        application: ['app-password-1'],
        replication: 'repl-password-1',
      })
      const ids = await storedSet(store, replicas, {
        projectId: project,
        sealedCredentials,
        ...(version ? { datastoreVersionId: version.id } : {}),
      })
      for (const [index, id] of ids.entries()) {
        const replica = {
          role: 'replica',
          link: 'up',
          lastIoSecondsAgo: 0,
          linkDownMs: 0,
          offset: 90,
          fenced: true,
        } as const
        await report(store, id, index === 0 ? observed() : observed(replica))
      }
      return ids
    },
    finish: async (instanceId, changes) => {
      const { operation } = await store.instances.find(null, instanceId)
      if (!operation) throw new Error(`instance ${instanceId} is at rest`)
      await finish(store, await store.operations.find(null, operation.id), changes)
    },
    close: database.close,
  }
}

/** Fails when a body does not fit what openapi.yaml says of this operation and status, or when a body is there that it does not allow. */
function answerValidator(): (method: string, address: string, response: supertest.Response) => void {
  const specification = readSpecification()
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  // The default export of a CommonJS module, seen through NodeNext.
  const add = addFormats as unknown as (ajv: Ajv2020) => void
  add(ajv)
  ajv.addSchema({ ...specification.document, $id: 'openapi.yaml' })
  const compiled = new Map<string, ReturnType<typeof ajv.compile>>()
  const document = specification.document as {
    paths: Record<string, Record<string, { responses: Record<string, { $ref?: string; content?: unknown }> }>>
  }
  return (method, address, response) => {
    const path = address.split('?')[0] ?? ''
    const operation = specification.operations.find(
      (one) =>
        one.method === method && new RegExp(`^${one.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path),
    )
    if (!operation) {
      expect(response.status, `${method} ${path} is not described`).toBe(404)
      return
    }
    const responses = document.paths[operation.path]?.[method]?.responses ?? {}
    const status = responses[String(response.status)] ? String(response.status) : 'default'
    if (response.status < 400)
      expect(status, `${operation.operationId} does not declare ${response.status}`).not.toBe('default')
    const declared = responses[status]
    const pointer = declared?.$ref ?? `${operation.pointer}/responses/${status}`
    if (response.status < 400 && !hasContent(specification.document, declared)) {
      expect(response.text, `${operation.operationId} ${response.status} must be empty`).toBe('')
      return
    }
    const key = `openapi.yaml${pointer}/content/application~1json/schema`
    const check = compiled.get(key) ?? ajv.compile({ $ref: key })
    compiled.set(key, check)
    expect(
      check(response.body),
      `${operation.operationId} ${response.status}: ${ajv.errorsText(check.errors)} in ${response.text}`,
    ).toBe(true)
  }
}

function hasContent(document: object, declared: { $ref?: string; content?: unknown } | undefined): boolean {
  if (!declared?.$ref) return declared?.content !== undefined
  const target = declared.$ref
    .slice(2)
    .split('/')
    .reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], document)
  return (target as { content?: unknown }).content !== undefined
}
