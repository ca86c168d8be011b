/* A source with replicas on a running stack, and what tests look at: roles by ROLE, synchronisations by INFO. */

import { Redis } from 'ioredis'
import { waitUntil } from '../../common/wait-until.js'
import { type Ledger, missingOn } from '../../demo/writers.js'
import type { Endpoint } from '../../domain/instance/endpoint.js'
import type { Stack } from './stack.js'
import type { TroveClient } from './trove-client.js'

export interface ReplicaSet {
  readonly ids: readonly string[]
  readonly password: string
  /** Where tests reach them. */
  readonly endpoints: readonly Endpoint[]
  endpointOf(id: string): Endpoint
  /** The member that the API shows as the source. */
  sourceId(): Promise<string>
  /** Waits until every other member (of `among`, when it is given) has its link up to `sourceId` and says so itself. */
  linksUp(sourceId: string, among?: readonly string[]): Promise<void>
  /** Sum of [sync_full] over all members: it rises with every full resynchronisation somebody served. */
  fullSyncs(): Promise<number>
  /** Acknowledged ids that a member lacks once it has caught up. */
  heldBy(id: string, prefix: string, ledger: Ledger): Promise<readonly string[]>
  /** Tries a write on one member: `OK` or the server's refusal. */
  tryWrite(id: string): Promise<string>
  /** The members that take a write now; one that does not answer takes none. */
  writable(): Promise<readonly string[]>
  /** Waits until somebody takes a write: after a start a source has to hear that it still leads. Answers as `writable` did then. */
  untilWritable(): Promise<readonly string[]>
}

/** Creates a source and `count` replicas, in two calls, and waits until all are healthy and linked. */
export async function replicaSet(
  stack: Pick<Stack, 'client'> & Partial<Pick<Stack, 'reach'>>,
  name: string,
  count: number,
): Promise<ReplicaSet> {
  const { client } = stack
  const source = await client.createSource(name)
  const replicas = await client.createReplicas(source.id, `${name}-replica`, count)
  const ids = [source.id, ...replicas]
  for (const id of ids) await client.healthy(id)
  const endpoints = new Map<string, Endpoint>()
  const known = new Map<string, Endpoint>()
  for (const id of ids) {
    const endpoint = await client.addressOf(id)
    known.set(id, endpoint)
    endpoints.set(id, (await stack.reach?.(endpoint)) ?? endpoint)
  }
  const set = describeSet(client, ids, { endpoints, known }, source.password)
  await set.linksUp(source.id)
  return set
}

function describeSet(
  client: TroveClient,
  ids: readonly string[],
  { endpoints, known }: Readonly<Record<'endpoints' | 'known', ReadonlyMap<string, Endpoint>>>,
  password: string,
): ReplicaSet {
  const endpointOf = (id: string) => {
    const endpoint = endpoints.get(id)
    if (!endpoint) throw new Error(`no endpoint of ${id}`)
    return endpoint
  }
  const ask = <T>(id: string, question: (redis: Redis) => Promise<T>) =>
    withRedis(endpointOf(id), password, question)
  const tryWrite = (id: string) =>
    ask(id, (redis) => redis.set('probe', id))
      .catch((error: unknown) => String(error))
      .then(String)
  const writable = async () => {
    const said = await Promise.all(ids.map(tryWrite))
    return ids.filter((_id, index) => said[index] === 'OK')
  }
  return {
    ids,
    password,
    endpoints: ids.map(endpointOf),
    endpointOf,
    sourceId: async () => {
      const shown = await Promise.all(ids.map((id) => client.show(id).catch(() => null)))
      const source = shown.find((instance) => instance?.replicas !== undefined)
      if (!source) throw new Error(`no source among ${JSON.stringify(shown)}`)
      return source.id
    },
    linksUp: async (sourceId, among = ids) => {
      for (const id of among) {
        if (id === sourceId) continue
        await waitUntil(
          `${id} follows ${sourceId}`,
          () => ask(id, (redis) => redis.info('replication')),
          (info) =>
            info.includes('master_link_status:up') &&
            info.includes(`master_host:${known.get(sourceId)?.host}\r`),
          { timeoutMs: 30_000 },
        )
      }
    },
    fullSyncs: async () => {
      const stats = await Promise.all(ids.map((id) => ask(id, (redis) => redis.info('stats'))))
      return stats.reduce((sum, info) => sum + Number(/sync_full:(\d+)/.exec(info)?.[1] ?? 0), 0)
    },
    heldBy: async (id, prefix, ledger) =>
      waitUntil(
        `${id} holds every acknowledged write`,
        () => missingOn(endpointOf(id), password, prefix, ledger),
        (missing) => missing.length === 0,
        {
          timeoutMs: 10_000,
          pollMs: 100,
          describe: (missing) => `${missing.length} missing`,
        },
      ),
    tryWrite,
    writable,
    untilWritable: () =>
      waitUntil('somebody takes writes', writable, (takers) => takers.length > 0, {
        timeoutMs: 30_000,
        pollMs: 100,
      }),
  }
}

/** A connection of its own for one question, closed afterwards; fails within two seconds when nobody answers. */
export async function withRedis<T>(
  endpoint: Endpoint,
  password: string,
  question: (redis: Redis) => Promise<T>,
): Promise<T> {
  const redis = new Redis({
    ...endpoint,
    password,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    connectTimeout: 2000,
    commandTimeout: 2000,
  })
  redis.on('error', () => undefined)
  try {
    return await question(redis)
  } finally {
    redis.disconnect()
  }
}
