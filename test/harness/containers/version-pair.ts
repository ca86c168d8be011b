/* A set whose members have two versions of a datastore, or twice the same, and what must hold of each pair. */

import { expect } from 'vitest'
import { missingOn } from '../../../demo/writers.js'
import type { Endpoint } from '../../../domain/instance/endpoint.js'
import { withRedis } from '../replica-set.js'
import { writersOf } from '../set-writers.js'
import type { TroveClient } from '../trove-client.js'

/** As the API takes it. */
export interface Version {
  readonly type: string
  readonly version: string
}

export const REDIS_6: Version = { type: 'redis', version: '6.0' }
export const REDIS_7: Version = { type: 'redis', version: '7.0' }
export const REDIS_8: Version = { type: 'redis', version: '8.0' }
export const VALKEY_8_0: Version = { type: 'valkey', version: '8.0' }
export const VALKEY_8_1: Version = { type: 'valkey', version: '8.1' }

/** A source and the version that its replica has. */
export interface Pair {
  readonly from: Version
  readonly to: Version
}

/** Pairs as a table of tests wants them. */
export function pairs(...all: readonly (readonly [from: Version, to: Version])[]): readonly Pair[] {
  return all.map(([from, to]) => ({ from, to }))
}

const nameOf = ({ type, version }: Version) => `${type} ${version}`

/** Has the replica of a pair promoted under writers: nothing is lost, and there is no way back to an older version. Leaves nothing. */
export async function tryPair(client: TroveClient, { from, to }: Pair): Promise<void> {
  const source = await createSource(client, `${nameOf(from)} to ${nameOf(to)}`, from)
  const replica = await createReplica(client, source.id, to)
  const at = { source: await client.addressOf(source.id), replica: await client.addressOf(replica) }
  for (const address of [at.source, at.replica]) await expectSafeCommands(address, source.password)
  const writers = writersOf({ endpoints: [at.source, at.replica], password: source.password }, 'v', 30_000)
  await writers.more(101)
  const promote = await client.act(replica, 'promote_to_replica_source')
  expect(promote, JSON.stringify(promote.body)).toMatchObject({ status: 202 })
  const ended = await client.ended(promote.operationId)
  expect(ended, JSON.stringify(ended)).toMatchObject({ state: 'done' })
  await writers.more(101)
  const ledger = await writers.stop()
  const missing = await missingOn(at.replica, source.password, 'v', ledger)
  const info = await withRedis(at.replica, source.password, (redis) => redis.info('server'))
  const runs = /(?:valkey|redis)_version:\S+/g
  console.log(
    `${nameOf(from)} to ${nameOf(to)}: ${ledger.acks.length} acknowledged writes, ${missing.length} lost; ${info.match(runs)?.join(', ')}`,
  )
  expect(missing).toEqual([])
  if (nameOf(from) !== nameOf(to)) {
    const back = await client.act(source.id, 'promote_to_replica_source')
    expect(back.status, JSON.stringify(back.body)).toBe(400)
  }
  for (const id of [source.id, replica]) {
    await client.send('DELETE', `/instances/${id}`)
    await client.gone(id)
  }
}

/** Creates a source of a version and waits until it is healthy. */
export async function createSource(
  client: TroveClient,
  name: string,
  datastore: Version,
): Promise<{ readonly id: string; readonly password: string }> {
  const answer = await client.send<{ instance: { id: string; password: string } }>('POST', '/instances', {
    instance: { name, flavorRef: '1', volume: { size: 1 }, datastore },
  })
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
  const { id, password } = answer.body.instance
  await client.healthy(id)
  return { id, password }
}

async function createReplica(client: TroveClient, source: string, datastore: Version): Promise<string> {
  const answer = await client.send<{ instance: { id: string } }>('POST', '/instances', {
    instance: { name: 'replica', replica_of: source, datastore },
  })
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
  const { id } = answer.body.instance
  const ended = await client.ended(answer.operationId)
  expect(ended, JSON.stringify(ended)).toMatchObject({ state: 'done' })
  await client.healthy(id)
  return id
}

/** An application finds the same commands on each version, and none with which it can freeze or end the server. */
async function expectSafeCommands(address: Endpoint, password: string): Promise<void> {
  const say = (line: string) =>
    withRedis(address, password, (redis) => {
      const [command = '', ...args] = line.split(' ')
      return redis.call(command, ...args)
    }).then(String, (error: Error) => error.message)
  for (const line of [
    'script debug sync',
    'script debug yes',
    'client unblock 1',
    'client pause 1',
    'debug sleep 0',
  ])
    expect(`${line}: ${await say(line)}`).toMatch(/: NOPERM|command not allowed/)
  for (const line of [
    'script load return(1)',
    'script flush',
    'slowlog get',
    'latency latest',
    'client list',
  ])
    expect(`${line}: ${await say(line)}`).not.toMatch(/: (NOPERM|ERR)/)
}
