import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createApp } from '../../api/app.js'
import { openTestApi, type TestApi, TOKENS } from '../harness/api.js'
import { redtrove } from '../unit/cli/fixture-service.js'

/** The client against the real app over a real store: both ends read the same openapi.yaml, and this shows that they agree. */
const widthOf = (text: string) => Math.max(...text.split('\n').map((line) => [...line].length))

describe('redtrove against the API', () => {
  let api: TestApi
  let server: Server
  let env: Record<string, string>

  beforeEach(async () => {
    api = await openTestApi()
    server = createServer(createApp(api.context))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo // an inet server has no path
    env = { REDTROVE_URL: `http://127.0.0.1:${port}/v1.0/demo`, REDTROVE_TOKEN: TOKENS[0].token }
  })
  afterEach(async () => {
    await new Promise((resolve) => void server.close(resolve).closeAllConnections())
    await api.close()
  })

  async function json(...line: string[]) {
    const { code, out, err } = await redtrove(env, ['--json', ...line])
    expect(err, line.join(' ')).not.toContain('redtrove:')
    expect(code, line.join(' ')).toBe(0)
    return JSON.parse(out)
  }

  it.each([
    ['flavor', 'list'],
    ['datastore', 'list'],
    ['limit', 'list'],
    ['quota', 'show'],
    ['instance', 'list'],
    ['operation', 'list'],
  ])('prints %s %s for people and as JSON', async (...line) => {
    await api.healthySet(2)
    const people = await redtrove(env, line)
    expect(people).toMatchObject({ code: 0, err: '' })
    expect(people.out).toContain('┌')
    expect(Array.isArray(await json(...line))).toBe(true)
  })

  it('creates a source and replicas of it by name', async () => {
    const source = await json('instance', 'create', 'orders', '--flavor', 'redis.small', '--size', '2')
    expect(source).toMatchObject({
      name: 'orders',
      status: 'BUILD',
      flavor: { id: '2' },
      volume: { size: 2 },
    })
    expect(source.password).toMatch(/^[\w-]{32}$/)
    await api.finish(source.id)
    const created = ['instance', 'create', 'more', '--replica-of', 'orders', '--replica-count', '2'] as const
    const replicas = await json(...created)
    expect(replicas.map(({ name }: { name: string }) => name).sort()).toEqual(['more-1', 'more-2'])
    expect((await json('operation', 'list'))[0]).toMatchObject({ kind: 'create_replicas', state: 'pending' })
  })

  it('says that a replica has its source’s flavor instead of ignoring another one', async () => {
    const [source = ''] = await api.healthySet(0)
    const line = ['instance', 'create', 'more', '--replica-of', source, '--flavor', 'redis.large']
    expect(await redtrove(env, line)).toMatchObject({ code: 4, err: expect.stringContaining('flavor') })
  })

  it('shows a set with its members', async () => {
    const [source = '', first = '', second = ''] = await api.healthySet(2)
    const set = await json('replication', 'show', first)
    expect(set).toMatchObject({ source_id: source, epoch: expect.any(Number), members: { length: 3 } })
    const members = (set as { members: readonly { id: string; name: string }[] }).members
    expect(members.map(({ id }) => id).toSorted()).toEqual([source, first, second].toSorted())
    const { out } = await redtrove(env, ['replication', 'show', source])
    for (const { name } of members) expect(out).toContain(name)
    expect(widthOf(out.slice(out.indexOf('\n')))).toBeLessThanOrEqual(120)
  })

  it('lists instances within 120 columns, whatever they are called, and takes the beginning of an id', async () => {
    const [source = ''] = await api.healthySet(1)
    const name = 'the-orders-of-all-our-customers-'.repeat(6)
    await redtrove(env, ['instance', 'rename', source, name])
    const { out } = await redtrove(env, ['instance', 'list'])
    expect(widthOf(out)).toBeLessThanOrEqual(120)
    expect(out).toContain(source.slice(0, 8))
    expect(await json('instance', 'show', source.slice(0, 8))).toMatchObject({ id: source, name })
    expect((await redtrove(env, ['instance', 'show', '00000000'])).code).not.toBe(0)
  })

  it.each([
    [['promote', 1], 'promote_to_replica_source'],
    [['detach', 1], 'detach_replica'],
    [['restart', 0], 'restart_instance'],
    [['restart', 1, '--accept-older-data'], 'restart_instance'],
    [['eject', 0, '--force'], 'eject_replica_source'],
    [['delete', 1], 'delete_instance'],
  ] as const)('%j opens an operation', async ([command, member, ...flags], kind) => {
    const ids = await api.healthySet(1)
    const { code, err } = await redtrove(env, ['instance', command, ids[member] ?? '', ...flags])
    expect(code).toBe(0)
    const operationId = /operation ([0-9a-f-]{36})/.exec(err)?.[1] ?? ''
    expect(await json('operation', 'show', operationId)).toMatchObject({ kind, instance_id: ids[member] })
  })

  it.each([
    [3, ['show', 'nobody']],
    [4, ['eject', 0]],
    [4, ['promote', 0]],
    [4, ['delete', 0]],
    [4, ['reset-status', 0]],
  ] as const)('ends with %i and a sentence: %j', async (code, [command, target]) => {
    const ids = await api.healthySet(1)
    const name = typeof target === 'number' ? (ids[target] ?? '') : target
    const outcome = await redtrove(env, ['instance', command, name])
    expect(outcome.code).toBe(code)
    expect(outcome.err).toMatch(/^redtrove: .{20,}/)
  })

  it('renames, and finds the instance by its new name', async () => {
    const [source = ''] = await api.healthySet(0)
    expect(await json('instance', 'rename', source, 'other')).toMatchObject({ id: source, name: 'other' })
    expect(await json('instance', 'show', 'other')).toMatchObject({ id: source })
  })

  it('ends with 4 when the token is unknown', async () => {
    const outcome = await redtrove({ ...env, REDTROVE_TOKEN: 'nobody' }, ['instance', 'list'])
    expect(outcome).toMatchObject({ code: 4, err: expect.stringContaining('requires authentication') })
  })
})
