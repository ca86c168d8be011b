import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { type Stack, startStack } from '../harness/stack.js'

const run = promisify(execFile)

/** The unmodified client of the distribution, with what clientrc exports and nothing else. */
describe('openstack database instance …', () => {
  let stack: Stack
  beforeAll(async () => {
    stack = await startStack()
  })
  afterAll(() => stack.stop())

  async function openstack(...args: string[]): Promise<string> {
    const script = '. "$0" && exec openstack "$@"'
    const { stdout } = await run('sh', ['-c', script, stack.clientrc, ...args], { timeout: 60_000 })
    return stdout
  }
  const json = async <T>(...args: string[]): Promise<T> => JSON.parse(await openstack(...args, '-f', 'json'))
  type Row = { ID: string; Name: string; Status: string; Role: string; 'Operating Status': string }
  const create = (line: string) => openstack('database', 'instance', 'create', ...line.split(' '))
  const list = () => json<Row[]>('database', 'instance', 'list')

  /** Source, first and second replica. */
  let made: readonly [string, string, string]

  it('creates, lists and shows', async () => {
    await create('os-source --flavor 1 --size 1 --datastore redis')
    const source = (await list())[0]
    expect(source?.Name).toBe('os-source')
    const sourceId = source?.ID ?? ''
    await stack.client.healthy(sourceId)

    await create('os-replica --replica-of os-source --replica-count 2')
    await waitUntil(
      'two replicas are shown',
      () => stack.client.show(sourceId),
      (shown) => shown.replicas?.length === 2,
      { timeoutMs: 20_000 },
    )
    const replicas = ((await stack.client.show(sourceId)).replicas ?? []).map((replica) => replica.id)
    for (const id of replicas) await stack.client.healthy(id)
    expect((await list()).map((row) => row.Role).sort()).toEqual(['primary', 'replica', 'replica'])

    const shown = await json<Record<string, unknown>>('database', 'instance', 'show', 'os-replica-1')
    expect(shown).toMatchObject({
      name: 'os-replica-1',
      status: 'ACTIVE',
      operating_status: 'HEALTHY',
      replica_of: sourceId,
    })

    const [first = '', second = ''] = replicas
    made = [sourceId, first, second]
  })

  it('promotes, detaches, ejects and deletes', async () => {
    const [sourceId, first, second] = made
    await openstack('database', 'instance', 'promote', first)
    await waitUntil(
      'the promoted replica leads',
      () => stack.client.show(first),
      (it) => it.replicas?.length === 2,
      { timeoutMs: 20_000 },
    )
    for (const id of [sourceId, first, second]) await stack.client.healthy(id)

    await openstack('database', 'instance', 'detach', second)
    await waitUntil(
      'the replica is alone',
      () => stack.client.show(second),
      (it) => it.replica_of === undefined && it.status === 'ACTIVE',
      {
        timeoutMs: 20_000,
      },
    )

    await expect(openstack('database', 'instance', 'eject', first)).rejects.toThrow(/healthy/)
    for (const pid of stack.guestPids(first)) process.kill(pid, 'SIGSTOP')
    await waitUntil(
      'eject is accepted',
      () => openstack('database', 'instance', 'eject', first),
      () => true,
      { timeoutMs: 60_000 },
    )
    await stack.client.healthy(sourceId)

    for (const id of [first, second, sourceId]) {
      await openstack('database', 'instance', 'delete', id)
    }
    for (const id of [first, second, sourceId]) await stack.client.gone(id)
    expect(await list()).toEqual([])
  })

  it('reads flavors, datastores and limits', async () => {
    expect((await json<unknown[]>('database', 'flavor', 'list')).length).toBeGreaterThan(0)
    expect(await json<{ Name: string }[]>('datastore', 'list')).toMatchObject([{ Name: 'redis' }])
    expect((await json<unknown[]>('datastore', 'version', 'list', 'redis')).length).toBeGreaterThan(0)
    // This command prints tables whatever format is asked for.
    expect(await openstack('database', 'limit', 'list')).toMatch(/max_instances\s*\|\s*10/i)
  })
})
