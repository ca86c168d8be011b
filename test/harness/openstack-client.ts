/*
 * The unmodified OpenStack client of the distribution, and what it has to be able to do with a service wherever that runs: processes,
 * a composed control plane, a swarm.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import type { TroveClient } from './trove-client.js'

const run = promisify(execFile)

/** One row of `openstack database instance list`. */
interface Row {
  readonly ID: string
  readonly Name: string
  readonly Status: string
  readonly Role: string
  readonly 'Operating Status': string
}

/** A command line of `openstack`. */
export interface OpenstackClient {
  run(...args: readonly string[]): Promise<string>
  json<T>(...args: readonly string[]): Promise<T>
}

/** With what clientrc exports and nothing else. */
export function openstackBy(clientrc: string): OpenstackClient {
  return clientOf(['sh', '-c', '. "$0" && exec openstack "$@"', clientrc], process.env)
}

/** With what a person would export who knows the address, a token and the CA. */
export function openstackAt(place: {
  readonly endpoint: string
  readonly token: string
  readonly caFile?: string
}): OpenstackClient {
  return clientOf(['openstack'], {
    ...process.env,
    OS_AUTH_TYPE: 'admin_token',
    OS_ENDPOINT: place.endpoint,
    OS_TOKEN: place.token,
    ...(place.caFile ? { OS_CACERT: place.caFile } : {}),
  })
}

function clientOf([program = '', ...first]: readonly string[], env: NodeJS.ProcessEnv): OpenstackClient {
  const openstack = async (...args: readonly string[]) =>
    (await run(program, [...first, ...args], { env, timeout: 60_000 })).stdout
  return { run: openstack, json: async (...args) => JSON.parse(await openstack(...args, '-f', 'json')) }
}

/** A service as these tests need it. */
export interface OpenstackStage {
  readonly openstack: OpenstackClient
  /** Our own look at the same project, to wait for what the client does not wait for. */
  readonly client: TroveClient
  /** Stops everything of an instance where it stands, as a host that hangs. */
  freeze(instanceId: string): Promise<void>
}

/** Declares the tests. The project has to be without instances, and is so again afterwards. */
export function openstackTests(stage: () => OpenstackStage): void {
  const database = (...args: readonly string[]) => stage().openstack.run('database', 'instance', ...args)
  const create = (line: string) => database('create', ...line.split(' '))
  const list = () => stage().openstack.json<Row[]>('database', 'instance', 'list')
  /** Source, first and second replica. */
  let made: readonly [string, string, string]

  it('creates, lists and shows', async () => {
    const { client, openstack } = stage()
    await create('os-source --flavor 1 --size 1 --datastore redis')
    const source = (await list())[0]
    expect(source?.Name).toBe('os-source')
    const sourceId = source?.ID ?? ''
    await client.healthy(sourceId)

    await create('os-replica --replica-of os-source --replica-count 2')
    const { replicas = [] } = await waitUntil(
      'two replicas are shown',
      () => client.show(sourceId),
      (shown) => shown.replicas?.length === 2,
      { timeoutMs: 20_000 },
    )
    for (const { id } of replicas) await client.healthy(id)
    expect((await list()).map((row) => row.Role).sort()).toEqual(['primary', 'replica', 'replica'])

    const shown = await openstack.json<Record<string, unknown>>(
      'database',
      'instance',
      'show',
      'os-replica-1',
    )
    expect(shown).toMatchObject({
      name: 'os-replica-1',
      status: 'ACTIVE',
      operating_status: 'HEALTHY',
      replica_of: sourceId,
    })
    made = [sourceId, replicas[0]?.id ?? '', replicas[1]?.id ?? '']
  })

  it('promotes, detaches, ejects and deletes', async () => {
    const { client, freeze } = stage()
    const [sourceId, first, second] = made
    await database('promote', first)
    await waitUntil(
      'the promoted replica leads',
      () => client.show(first),
      (shown) => shown.replicas?.length === 2,
      { timeoutMs: 20_000 },
    )
    for (const id of made) await client.healthy(id)

    await database('detach', second)
    await waitUntil(
      'the replica is alone',
      () => client.show(second),
      (shown) => shown.replica_of === undefined && shown.status === 'ACTIVE',
      { timeoutMs: 20_000 },
    )

    await expect(database('eject', first)).rejects.toThrow(/healthy/)
    await freeze(first)
    const ejecting = { timeoutMs: 60_000 }
    await waitUntil(
      'eject is accepted',
      () => database('eject', first),
      () => true,
      ejecting,
    )
    await client.healthy(sourceId)

    for (const id of [first, second, sourceId]) await database('delete', id)
    for (const id of made) await client.gone(id)
    expect(await list()).toEqual([])
  })

  it('reads flavors, datastores and limits', async () => {
    const { openstack } = stage()
    expect((await openstack.json<unknown[]>('database', 'flavor', 'list')).length).toBeGreaterThan(0)
    const datastores = await openstack.json<{ Name: string }[]>('datastore', 'list')
    expect(datastores.map(({ Name }) => Name)).toContain('redis')
    expect((await openstack.json<unknown[]>('datastore', 'version', 'list', 'redis')).length).toBeGreaterThan(
      0,
    )
    // This command prints tables whatever format is asked for.
    expect(await openstack.run('database', 'limit', 'list')).toMatch(/max_instances\s*\|\s*10/i)
  })
}
