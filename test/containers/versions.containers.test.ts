/* Every datastore version that there is an image of, alone and in sets of two versions. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { Endpoint } from '../../common/domain/instance.js'
import { missingOn } from '../../demo/writers.js'
import { dockerPlace } from '../harness/places/docker-place.js'
import { withRedis } from '../harness/replica-set.js'
import { writersOf } from '../harness/set-writers.js'
import type { Stack } from '../harness/stack.js'

interface Version {
  readonly type: string
  readonly version: string
}

const REDIS_6: Version = { type: 'redis', version: '6.0' }
const REDIS_7: Version = { type: 'redis', version: '7.0' }
const REDIS_8: Version = { type: 'redis', version: '8.0' }
const VALKEY_8_0: Version = { type: 'valkey', version: '8.0' }
const VALKEY_8_1: Version = { type: 'valkey', version: '8.1' }
const nameOf = ({ type, version }: Version) => `${type} ${version}`

const place = dockerPlace(inject('engine'))
let stack: Stack

beforeAll(async () => {
  stack = await place.open()
})
afterAll(async () => {
  if (stack) await place.close(stack)
})

describe('a set whose replica has the same or a newer version', () => {
  it.each(
    [
      [REDIS_6, REDIS_6],
      [REDIS_7, REDIS_7],
      [REDIS_8, REDIS_8],
      [VALKEY_8_0, VALKEY_8_0],
      [VALKEY_8_1, VALKEY_8_1],
      [REDIS_6, REDIS_7],
      [REDIS_6, REDIS_8],
      [REDIS_6, VALKEY_8_0],
      [REDIS_6, VALKEY_8_1],
      [REDIS_7, REDIS_8],
      [REDIS_7, VALKEY_8_0],
      [REDIS_7, VALKEY_8_1],
      [VALKEY_8_0, VALKEY_8_1],
    ].map(([from, to]) => ({ from: from ?? REDIS_7, to: to ?? REDIS_7 })),
  )('$from.type $from.version, promoted to $to.type $to.version', async ({ from, to }) => {
    const source = await create(`${nameOf(from)} to ${nameOf(to)}`, from)
    const replica = await createReplica(source.id, to)
    const at = {
      source: await stack.client.addressOf(source.id),
      replica: await stack.client.addressOf(replica),
    }
    for (const address of [at.source, at.replica]) await expectSafeCommands(address, source.password)
    const writers = writersOf({ endpoints: [at.source, at.replica], password: source.password }, 'v', 30_000)
    await writers.more(101)
    const promote = await stack.client.act(replica, 'promote_to_replica_source')
    expect(promote, JSON.stringify(promote.body)).toMatchObject({ status: 202 })
    const ended = await stack.client.ended(promote.operationId)
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
      const back = await stack.client.act(source.id, 'promote_to_replica_source')
      expect(back.status, JSON.stringify(back.body)).toBe(400)
    }
    for (const id of [source.id, replica]) {
      await stack.client.send('DELETE', `/instances/${id}`)
      await stack.client.gone(id)
    }
  })
})

it('an older replica is refused before anything is made', async () => {
  const source = await create('older', REDIS_7)
  const answer = await stack.client.send('POST', '/instances', {
    instance: { name: 'older-replica', replica_of: source.id, datastore: REDIS_6 },
  })
  expect(answer.status).toBe(400)
  expect(JSON.stringify(answer.body)).toContain('redis 6.0 is older than redis 7.0')
})

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

async function create(name: string, datastore: Version): Promise<{ id: string; password: string }> {
  const answer = await stack.client.send<{ instance: { id: string; password: string } }>(
    'POST',
    '/instances',
    {
      instance: { name, flavorRef: '1', volume: { size: 1 }, datastore },
    },
  )
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
  const { id, password } = answer.body.instance
  await stack.client.healthy(id)
  return { id, password }
}

async function createReplica(source: string, datastore: Version): Promise<string> {
  const answer = await stack.client.send<{ instance: { id: string } }>('POST', '/instances', {
    instance: { name: 'replica', replica_of: source, datastore },
  })
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
  const { id } = answer.body.instance
  const ended = await stack.client.ended(answer.operationId)
  expect(ended, JSON.stringify(ended)).toMatchObject({ state: 'done' })
  await stack.client.healthy(id)
  return id
}
