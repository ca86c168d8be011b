/* Three replicas at once: ours over HTTP, beside bare servers with Redis' defaults that are told to follow, in turns. */

import { Redis } from 'ioredis'
import { waitUntil } from '../common/wait-until.js'
import type { Endpoint } from '../domain/instance/endpoint.js'
import { withRedis } from '../test/harness/replica-set.js'
import { type Stack, startStack } from '../test/harness/stack.js'
import { type Bench, type Figure, ms, times } from './figure.js'
import { linkUp, RAW_PASSWORD, type RawServer, rawServer } from './raw-servers.js'
import { ratios, summary } from './statistics.js'

const PAIRS = 5
const REPLICAS = 3
const VALUE_BYTES = 10_000
const LINK_MS_MAX = 180_000

interface Filling {
  readonly name: string
  readonly megabytes: number
  readonly ratioMax: number
}

const FILLINGS: readonly Filling[] = [
  { name: 'empty source', megabytes: 0, ratioMax: 0.3 },
  { name: 'source of 0.5 GB', megabytes: 500, ratioMax: 0.6 },
]

export const create: Bench = {
  name: 'create',
  run: async (progress) => {
    const stack = await startStack({ env: { REDTROVE_MAX_INSTANCES_PER_PROJECT: '-1' } })
    try {
      const figures: Figure[] = []
      for (const filling of FILLINGS) figures.push(await measure(stack, filling, progress))
      return figures
    } finally {
      await stack.stop()
    }
  },
}

async function measure(stack: Stack, filling: Filling, progress: (what: string) => void): Promise<Figure> {
  const { client } = stack
  const { id, password } = await createSource(stack, filling)
  const raw = await rawServer()
  const ours: number[] = []
  const theirs: number[] = []
  const forks: number[] = []
  try {
    await fill(await client.addressOf(id), password, filling)
    await fill(raw.endpoint, RAW_PASSWORD, filling)
    for (let round = 0; round < PAIRS; round += 1) {
      progress(`${filling.name}: pair ${round + 1} of ${PAIRS}`)
      const before = await forksOf(await client.addressOf(id), password)
      ours.push(await createOnce(stack, id, password))
      forks.push((await forksOf(await client.addressOf(id), password)) - before)
      await removeReplicas(stack, id)
      theirs.push(await followOnce(raw))
    }
  } finally {
    await raw.stop()
  }
  await client.ended((await client.send('DELETE', `/instances/${id}`)).operationId)
  const [mine, bare, ratio] = [summary(ours), summary(theirs), ratios(ours, theirs)]
  return {
    name: `create ${REPLICAS} replicas, ${filling.name}: call → all links up`,
    ours: `median ${ms(mine.median)}, max ${ms(mine.max)}; forks on the source ${[...new Set(forks)].join(', ')}`,
    baseline: `redis-server + REPLICAOF, defaults: median ${ms(bare.median)}, max ${ms(bare.max)}`,
    ratio: times(ratio),
    bar: `≤ ${filling.ratioMax} × defaults, exactly one fork`,
    holds: ratio.median <= filling.ratioMax && forks.every((count) => count === 1),
    raw: { ours, theirs, forks },
  }
}

async function createSource({ client }: Stack, { name }: Filling) {
  const instance = { name: `source ${name}`, flavorRef: '4', volume: { size: 4 } }
  const answer = await client.send<{ instance: { id: string; password: string } }>('POST', '/instances', {
    instance,
  })
  const { id, password } = answer.body.instance
  await client.healthy(id)
  return { id, password }
}

async function createOnce({ client }: Stack, sourceId: string, password: string): Promise<number> {
  const { host } = await client.addressOf(sourceId)
  const calledMs = performance.now()
  const instance = { name: 'replica', replica_of: sourceId, replica_count: REPLICAS }
  const answer = await client.send('POST', '/instances', { instance })
  // The source's own view: a replica counts there only while its link is up and the copy has been sent.
  await withRedisOpen({ host, port: 6379 }, password, (redis) =>
    waitUntil(
      'all replicas are linked',
      () => redis.info('replication'),
      (info) => (info.match(/slave\d+:.*state=online/g) ?? []).length === REPLICAS,
      { timeoutMs: LINK_MS_MAX, pollMs: 5 },
    ),
  )
  const replicas = ((await client.show(sourceId)).replicas ?? []).map((one) => one.id)
  for (const id of replicas) await linked(await client.addressOf(id), password)
  const tookMs = performance.now() - calledMs
  const operation = await client.ended(answer.operationId, LINK_MS_MAX)
  if (operation.state !== 'done') throw new Error(`create ended ${JSON.stringify(operation)}`)
  return tookMs
}

async function linked(endpoint: Endpoint, password: string): Promise<void> {
  await waitUntil(
    'the replica says that its link is up',
    () => withRedis(endpoint, password, (redis) => redis.info('replication')),
    (info) => info.includes('master_link_status:up'),
    { timeoutMs: LINK_MS_MAX, pollMs: 5 },
  )
}

/** Start of the processes included, as ours includes it. */
async function followOnce(source: RawServer): Promise<number> {
  const calledMs = performance.now()
  const replicas = await Promise.all(Array.from({ length: REPLICAS }, () => rawServer()))
  try {
    const { host, port } = source.endpoint
    await Promise.all(replicas.map(({ admin }) => admin.replicaof(host, port)))
    await Promise.all(replicas.map((replica) => linkUp(replica, source.endpoint, LINK_MS_MAX)))
    return performance.now() - calledMs
  } finally {
    await Promise.all(replicas.map((replica) => replica.stop()))
  }
}

async function removeReplicas({ client }: Stack, sourceId: string): Promise<void> {
  for (const { id } of (await client.show(sourceId)).replicas ?? []) {
    await client.ended((await client.send('DELETE', `/instances/${id}`)).operationId)
  }
}

async function fill(endpoint: Endpoint, password: string, { megabytes }: Filling): Promise<void> {
  const value = 'x'.repeat(VALUE_BYTES)
  const count = (megabytes * 1_000_000) / VALUE_BYTES
  await withRedisOpen(endpoint, password, async (redis) => {
    for (let from = 0; from < count; from += 500) {
      const batch = redis.pipeline()
      for (let n = from; n < Math.min(count, from + 500); n += 1) batch.set(`fill:${n}`, value)
      await batch.exec()
    }
  })
}

async function forksOf(endpoint: Endpoint, password: string): Promise<number> {
  const info = await withRedis(endpoint, password, (redis) => redis.info('stats'))
  return Number(/total_forks:(\d+)/.exec(info)?.[1] ?? Number.NaN)
}

/** One connection for long work, without the deadline of a single question. */
async function withRedisOpen<T>(
  endpoint: Endpoint,
  password: string,
  act: (redis: Redis) => Promise<T>,
): Promise<T> {
  const redis = new Redis({ ...endpoint, password, maxRetriesPerRequest: null })
  redis.on('error', () => undefined)
  try {
    return await act(redis)
  } finally {
    redis.disconnect()
  }
}
