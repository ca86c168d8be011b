import { afterEach, describe, expect, it } from 'vitest'
import {
  type FixtureService,
  idOf,
  instanceFixture,
  operationFixture,
  redtrove,
  setFixture,
  startFixtureService,
  stepFixture,
} from './fixture-service.js'

let service: FixtureService | undefined
afterEach(async () => {
  await service?.stop()
  service = undefined
})

type Table = Parameters<typeof startFixtureService>[0]

async function against(table: Table, ...line: string[]) {
  service = await startFixtureService(table)
  return { ...(await redtrove(service.env, line)), seen: service.seen }
}

const source = instanceFixture(1, { replicas: [{ id: idOf(2), links: [] }] })
const replica = instanceFixture(2, { replica_of: { id: idOf(1), links: [] } })
const set: Table = {
  'GET /instances': { body: { instances: [source, replica] } },
  [`GET /instances/${idOf(1)}`]: { body: { instance: source } },
  [`GET /instances/${idOf(2)}`]: { body: { instance: replica } },
  [`GET /instances/${idOf(1)}/replication`]: { body: { replication: setFixture } },
  [`GET /instances/${idOf(2)}/replication`]: { body: { replication: setFixture } },
  'GET /flavors': {
    body: {
      flavors: [
        {
          id: 1,
          str_id: '1',
          name: 'redis.tiny',
          ram: 128,
          data_mb: 96,
          vcpus: 1,
          disk: 1,
          ephemeral: 0,
          links: [],
        },
        {
          id: 4,
          str_id: '4',
          name: 'redis.large',
          ram: 2048,
          data_mb: 1536,
          vcpus: 2,
          disk: 8,
          ephemeral: 0,
          links: [],
        },
      ],
    },
  },
  'POST /instances': { body: { instance: { ...source, password: 'shown-once' } }, operationId: idOf(900) },
  [`GET /operations/${idOf(900)}`]: { body: { operation: operationFixture() } },
}
const accepted = { status: 202, operationId: idOf(900) }

describe('what is sent', () => {
  it.each([
    [['promote', 'cache-2'], 2, 'POST', '/action', { promote_to_replica_source: {} }],
    [['eject', 'cache-1'], 1, 'POST', '/action', { eject_replica_source: {} }],
    [['eject', '--force', 'cache-1'], 1, 'POST', '/action', { eject_replica_source: { force: true } }],
    [['restart', idOf(1)], 1, 'POST', '/action', { restart: {} }],
    [['reset-status', 'cache-1'], 1, 'POST', '/action', { reset_status: {} }],
    [['detach', 'cache-2'], 2, 'PUT', '', { instance: { replica_of: null } }],
    [['rename', 'cache-2', 'other'], 2, 'PUT', '', { instance: { name: 'other' } }],
    [['delete', 'cache-2'], 2, 'DELETE', '', undefined],
  ])('instance %j', async (line, number, method, below, body) => {
    const path = `/instances/${idOf(number)}${below}`
    const { code, seen } = await against({ ...set, [`${method} ${path}`]: accepted }, 'instance', ...line)
    expect(code).toBe(0)
    expect(seen.filter((one) => one.method !== 'GET')).toEqual([{ method, path, token: 'a-token', body }])
  })

  it.each([
    [
      ['--flavor', 'redis.large', '--size', '3', '--datastore-version', '7.0'],
      { flavorRef: '4', volume: { size: 3 }, datastore: { type: 'redis', version: '7.0' } },
    ],
    [[], { flavorRef: '1', volume: { size: 1 }, datastore: { type: 'redis' } }],
    [
      ['--replica-of', 'cache-1', '--replica-count', '2', '--availability-zone', 'a'],
      { replica_of: idOf(1), replica_count: 2, availability_zone: 'a' },
    ],
    [['--replica-of', idOf(1), '--flavor', '4'], { replica_of: idOf(1), replica_count: 1, flavorRef: '4' }],
  ])('instance create n %j', async (options, expected) => {
    const { seen } = await against(set, 'instance', 'create', 'n', ...options)
    expect(seen.find(({ method }) => method === 'POST')?.body).toEqual({
      instance: { name: 'n', ...expected },
    })
  })

  it('delete goes on after a refusal, says all of them and ends with the first one’s code', async () => {
    const refusal = { status: 403, body: { forbidden: { code: 403, message: 'It has replicas.' } } }
    const { code, err, seen } = await against(
      { ...set, [`DELETE /instances/${idOf(1)}`]: refusal, [`DELETE /instances/${idOf(2)}`]: accepted },
      ...['instance', 'delete', 'cache-1', 'nobody', 'cache-2'],
    )
    expect(code).toBe(4)
    expect(err).toContain('It has replicas.')
    expect(err).toContain('nobody')
    expect(seen.at(-1)).toMatchObject({ method: 'DELETE', path: `/instances/${idOf(2)}` })
  })
})

describe('names', () => {
  it('an id is asked for directly', async () => {
    const { seen } = await against(set, 'instance', 'show', idOf(2))
    expect(seen.map(({ path }) => path)).toEqual([
      `/instances/${idOf(2)}`,
      `/instances/${idOf(2)}/replication`,
    ])
  })

  it('a name is found on a later page', async () => {
    const links = [{ rel: 'next', href: `https://elsewhere/v1.0/demo/instances?marker=${idOf(1)}` }]
    const pages = {
      'GET /instances': { body: { instances: [source], links } },
      [`GET /instances?marker=${idOf(1)}`]: { body: { instances: [replica] } },
    }
    const { code, out } = await against({ ...set, ...pages }, 'instance', 'show', 'cache-2')
    expect(code).toBe(0)
    expect(out).toContain(idOf(2))
  })

  it('a server that hands out one page for ever does not hold us', async () => {
    const links = [{ rel: 'next', href: 'https://elsewhere/instances?marker=m' }]
    const page = { body: { instances: [source], links } }
    const { code } = await against(
      { 'GET /instances': page, 'GET /instances?marker=m': page },
      'instance',
      'list',
    )
    expect(code).toBe(0)
  })

  it('one that several have is refused with their ids', async () => {
    const twins = { body: { instances: [source, { ...replica, name: 'cache-1' }] } }
    const { code, err } = await against({ ...set, 'GET /instances': twins }, 'instance', 'show', 'cache-1')
    expect(code).toBe(2)
    expect(err).toContain(idOf(1))
    expect(err).toContain(idOf(2))
  })

  it('one that nobody has is not found', async () => {
    expect(await against(set, 'instance', 'show', 'nobody')).toMatchObject({ code: 3 })
  })

  it('a flavor that nobody offers is not found, and the offer is said', async () => {
    const { code, err } = await against(set, 'instance', 'create', 'n', '--flavor', 'huge')
    expect(code).toBe(3)
    expect(err).toContain('redis.tiny (1), redis.large (4)')
  })
})

describe('what is printed', () => {
  it('a list is a table with one line an instance and no colour', async () => {
    const { out } = await against(set, 'instance', 'list')
    // Frame, headings and their line, two rows, frame.
    expect(out.split('\n')).toHaveLength(6)
    expect(out).toMatch(/cache-2.*127\.83\.0\.2.*replica/)
    expect(out).not.toContain('\u001b[')
  })

  it('show says how to connect without the password', async () => {
    const { out } = await against(set, 'instance', 'show', 'cache-1')
    expect(out).toContain('redis-cli -h 127.83.0.1 -p 6379 --askpass')
  })

  it('show says what the agent of the instance sees, which is in the view of its set', async () => {
    const { out } = await against(set, 'instance', 'show', 'cache-2')
    expect(out).toMatch(/^memory used +3\.0 KiB\nkeys +7$/m)
  })

  it('JSON is the service’s own object', async () => {
    const { out } = await against(set, 'instance', 'show', 'cache-1', '--json')
    expect(JSON.parse(out)).toEqual(source)
  })

  it('control characters in a name do not reach the terminal', async () => {
    const evil = { body: { instances: [instanceFixture(1, { name: 'a\u001b[2Jb' })] } }
    const { out } = await against({ 'GET /instances': evil }, 'instance', 'list')
    expect(out).toContain('a?[2Jb')
  })

  it.each([
    ['a refusal', ['instance', 'show', idOf(2)]],
    ['a note that names several', ['instance', 'delete', idOf(2), idOf(1), idOf(2)]],
    ['a step', ['--wait', 'instance', 'restart', idOf(1)]],
    ['a summary', ['--wait', 'instance', 'detach', idOf(1)]],
    ['the word that was typed', ['instance', 'show', 'b\u001b[2J\u202e']],
    ['a JSON document', ['--json', 'instance', 'list']],
    ['the fault of an operation', ['--wait', 'instance', 'eject', idOf(1)]],
  ])('what steers a terminal does not reach it in %s', async (_what, line) => {
    const evil = 'x\u001b]0;t\u0007\u009b2J\u202ey\u2028z'
    const refusal = { status: 403, body: { forbidden: { code: 403, message: evil } } }
    const ended = (change: object) => ({ body: { operation: operationFixture(change) } })
    const { out, err } = await against(
      {
        'GET /instances': { body: { instances: [instanceFixture(1, { name: evil })] } },
        [`GET /instances/${idOf(1)}`]: { body: { instance: instanceFixture(1, { name: evil }) } },
        [`GET /instances/${idOf(2)}`]: refusal,
        [`DELETE /instances/${idOf(1)}`]: refusal,
        [`POST /instances/${idOf(1)}/action`]: {
          status: 202,
          operationId: line.includes('eject') ? 'e' : 'r',
        },
        [`PUT /instances/${idOf(1)}`]: { status: 202, operationId: 'd' },
        'GET /operations/r': ended({ kind: evil, steps: [stepFixture({ name: evil, detail: evil })] }),
        'GET /operations/d': ended({ result: { summary: evil } }),
        'GET /operations/e': ended({ state: 'failed', fault: evil }),
      },
      ...line,
    )
    expect(`${out}${err}`.length).toBeGreaterThan(10)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
    expect(`${out}\n${err}`).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202e]/)
  })

  it('create says the password once, on standard error and in JSON', async () => {
    const people = await against(set, 'instance', 'create', 'n')
    expect(people.err).toContain('shown-once')
    expect(people.out).not.toContain('shown-once')
    await service?.stop()
    const { out } = await against(set, '--json', 'instance', 'create', 'n')
    expect(JSON.parse(out)).toMatchObject({ id: idOf(1), password: 'shown-once' })
  })

  it('create of replicas prints those that are new', async () => {
    const before = { ...source, replicas: undefined }
    const table = { ...set, [`GET /instances/${idOf(1)}`]: { body: { instance: before } } }
    const { out } = await against(table, '--json', 'instance', 'create', 'n', '--replica-of', idOf(1))
    expect(JSON.parse(out)).toEqual([replica])
  })
})

describe('exit codes', () => {
  it.each([
    [2, ['instance', 'frobnicate']],
    [2, ['instance', 'show']],
    [2, ['instance', 'create', 'n', '--size', 'big']],
    [2, ['instance', 'create', 'n', '--replica-count', '0']],
    [2, ['instance', 'list', '--timeout', '-1']],
    [0, ['--help']],
    [0, ['instance', 'create', '--help']],
  ])('%i for %j, without a request', async (expected, line) => {
    const { code, seen } = await against(set, ...line)
    expect(code).toBe(expected)
    expect(seen).toEqual([])
  })

  it.each([
    [3, 404, { itemNotFound: { code: 404, message: 'It is gone.' } }],
    [4, 400, { badRequest: { code: 400, message: 'It is healthy.' } }],
    [4, 401, { error: { code: 401, title: 'Unauthorized', message: 'Who are you?' } }],
    [4, 403, { message: 'Not yours.', code: '403 Forbidden', title: 'Forbidden' }],
    [4, 422, { unprocessableEntity: { code: 422, message: 'It is busy.' } }],
    [5, 503, { serviceUnavailable: { code: 503, message: 'The broker is away.' } }],
  ])('%i for HTTP %i, with the sentence of the fault', async (expected, status, body) => {
    const table = { [`GET /instances/${idOf(1)}`]: { status, body } }
    const { code, err } = await against(table, 'instance', 'show', idOf(1))
    const said = Object.values(body)[0]
    expect(code).toBe(expected)
    expect(err).toContain(typeof said === 'string' ? said : said.message)
  })

  it('5 when nobody listens, with the address', async () => {
    service = await startFixtureService({})
    const { env } = service
    await service.stop()
    const { code, err } = await redtrove(env, ['instance', 'list'])
    expect(code).toBe(5)
    expect(err).toContain(env.REDTROVE_URL)
    expect(err).toContain('ECONNREFUSED')
  })

  it('78 when nothing says where the service is, and what to do about it', async () => {
    const { code, err } = await redtrove({ REDTROVE_STATE_DIR: 'nowhere' }, ['instance', 'list'])
    expect(code).toBe(78)
    expect(err).toContain('clientrc')
  })

  it.each(['localhost:8779', 'http://h:1/v2/demo', 'file:///v1.0/demo'])(
    '78 for the address %s',
    async (url) => {
      const { code, err } = await redtrove({ REDTROVE_URL: url, REDTROVE_TOKEN: 't' }, ['instance', 'list'])
      expect(code).toBe(78)
      expect(err).toContain('REDTROVE_URL must look like')
    },
  )
})
