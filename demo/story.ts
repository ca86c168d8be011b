/* The main job, told on real parts through the public API alone. */

import { Redis } from 'ioredis'
import { waitUntil } from '../common/wait-until.js'
import { type Endpoint, REDIS_PORT } from '../domain/instance/endpoint.js'
import type { Api, Instance } from './api.js'
import type { Display } from './display.js'
import type { Service } from './service.js'
import { type Ledger, missingOn, startWriters, worstGaps } from './writers.js'

const WRITES = 10_000
const WRITERS = 8
/** Acknowledged this long before the freeze, a write has reached the replicas of one machine. */
const REPLICATED_MS = 50

interface Cast {
  readonly source: string
  readonly replicas: readonly string[]
  readonly password: string
  readonly endpoints: ReadonlyMap<string, Endpoint>
}

/** Plays all of it. Fails with a sentence at the first thing that is not as promised. */
export async function tell(api: Api, service: Service, display: Display): Promise<void> {
  const cast = await build(api, display)
  const afterPromote = await promote(api, cast, display)
  const afterEject = await eject(api, cast, afterPromote, service, display)
  await wake(api, cast, afterPromote, display)
  await tidy(api, cast, afterEject, display)
}

async function build(api: Api, display: Display): Promise<Cast> {
  const created = await display.step(
    'create a source',
    async (progress) => {
      const answer = await expected(
        200,
        api.call<{ instance: Instance }>('POST', '/instances', {
          instance: { name: 'orders', flavorRef: '1', volume: { size: 1 }, datastore: { type: 'redis' } },
        }),
      )
      await api.done(answer.operationId, progress)
      return answer.body.instance
    },
    ({ id }) => id,
  )
  const source = created.id
  const replicas = await display.step(
    'create two replicas in one call',
    async (progress) => {
      const answer = await expected(
        200,
        api.call('POST', '/instances', {
          instance: { name: 'orders-replica', replica_of: source, replica_count: 2 },
        }),
      )
      await api.done(answer.operationId, progress)
      return ((await api.show(source)).replicas ?? []).map(({ id }) => id)
    },
    (ids) => `${ids.length} replicas, no backup was made`,
  )
  if (replicas.length !== 2) throw new Error(`The source shows ${replicas.length} replicas instead of 2.`)
  const endpoints = new Map<string, Endpoint>()
  for (const id of [source, ...replicas]) {
    const host = (await api.show(id)).addresses?.[0]?.address ?? ''
    endpoints.set(id, { host, port: REDIS_PORT })
  }
  return { source, replicas, password: created.password ?? '', endpoints }
}

/** Answers with who leads afterwards. */
async function promote(api: Api, cast: Cast, display: Display): Promise<string> {
  const [candidate = ''] = cast.replicas
  await display.step(
    `write ${WRITES} keys with ${WRITERS} clients and promote a replica meanwhile`,
    async (progress) => {
      const writers = writersOf(cast, 'promote', WRITES)
      await waitUntil(
        'a third is written',
        () => writers.ledger.acks.length,
        (acks) => acks > WRITES / 3,
        { timeoutMs: 30_000 },
      )
      const calledAtMs = performance.now()
      const answer = await expected(
        202,
        api.call('POST', `/instances/${candidate}/action`, { promote_to_replica_source: {} }),
      )
      const operation = await api.done(answer.operationId, progress)
      const ledger = await writers.finished
      const missing = await missingOn(endpointOf(cast, candidate), cast.password, 'promote', ledger)
      if (missing.length > 0) throw new Error(`${missing.length} acknowledged writes are lost.`)
      return { gaps: worstGaps(ledger, calledAtMs, performance.now()), ledger, ms: operation.duration_ms }
    },
    ({ gaps, ledger, ms }) =>
      `${ledger.acks.length} acknowledged, 0 lost; no write was possible for ${gaps.anyMs.toFixed(0)} ms; the operation took ${ms} ms`,
  )
  return candidate
}

/** Answers with who leads afterwards. */
async function eject(
  api: Api,
  cast: Cast,
  source: string,
  service: Service,
  display: Display,
): Promise<string> {
  const others = [...cast.endpoints.keys()].filter((id) => id !== source)
  await display.step(
    'ask to eject the healthy source',
    async () => {
      const { status, body } = await api.call('POST', `/instances/${source}/action`, {
        eject_replica_source: {},
      })
      if (status !== 400) throw new Error(`It answered ${status} instead of 400.`)
      return Object.values(body as Record<string, { message: string }>)[0]?.message ?? ''
    },
    (message) => `refused, ${message}`,
  )
  const writers = writersOf(cast, 'eject')
  try {
    await waitUntil(
      'clients are writing',
      () => writers.ledger.acks.length,
      (acks) => acks > 500,
      { timeoutMs: 30_000 },
    )
    const pids = service.pidsOf(source)
    const frozenAtMs = performance.now()
    process.kill(pids.agent, 'SIGSTOP')
    process.kill(pids.server, 'SIGSTOP')
    const { acceptedAtMs, operationId } = await display.step(
      "freeze the source's host and eject it",
      async () => accepted(api, source),
      ({ acceptedAtMs: at }) => `accepted ${((at - frozenAtMs) / 1000).toFixed(1)} s after the freeze`,
    )
    return await display
      .step(
        'a replica takes over',
        async (progress) => {
          const first = await waitUntil(
            'a write is acknowledged',
            () => writers.ledger.acks.find(({ atMs }) => atMs > acceptedAtMs),
            (ack) => ack !== undefined,
            {
              timeoutMs: 30_000,
              pollMs: 5,
            },
          )
          const operation = await api.done(operationId, progress)
          const ledger = await writers.stop()
          const leader = await leaderAmong(api, others)
          const lost = await lostOf(cast, leader, ledger, frozenAtMs)
          if (lost > 0) throw new Error(`${lost} acknowledged writes that a replica had are lost.`)
          return {
            leader,
            gapMs: (first?.atMs ?? 0) - acceptedAtMs,
            acks: ledger.acks.length,
            summary: String(operation.result?.summary ?? ''),
          }
        },
        ({ gapMs, acks, summary }) =>
          `first write ${gapMs.toFixed(0)} ms after the accepted call; ${acks} acknowledged, 0 lost that a replica had. ${summary}`,
      )
      .then(({ leader }) => leader)
  } finally {
    await writers.stop()
  }
}

async function accepted(
  api: Api,
  source: string,
): Promise<{ acceptedAtMs: number; operationId: string | null }> {
  const { answer, atMs } = await waitUntil(
    'eject is accepted',
    async () => ({
      answer: await api.call('POST', `/instances/${source}/action`, { eject_replica_source: {} }),
      atMs: performance.now(),
    }),
    ({ answer: { status } }) => status === 202,
    { timeoutMs: 30_000, pollMs: 100 },
  )
  return { acceptedAtMs: atMs, operationId: answer.operationId }
}

async function wake(api: Api, cast: Cast, old: string, display: Display): Promise<void> {
  await display
    .step(
      'wake the old source and write to it',
      async (progress) => {
        const answer = await expected(202, api.call('POST', `/instances/${old}/action`, { restart: {} }))
        await api.done(answer.operationId, progress)
        return waitUntil(
          'it answers',
          () => tryWrite(endpointOf(cast, old), cast.password),
          (said) => /NOREPLICAS|READONLY|^OK$/.test(said),
          { timeoutMs: 30_000 },
        )
      },
      (said) => `it refuses: ${said}`,
    )
    .then((said) => {
      if (said === 'OK') throw new Error('The old source took a write.')
    })
}

async function tidy(api: Api, cast: Cast, source: string, display: Display): Promise<void> {
  await display.step('detach the remaining replica', async (progress) => {
    const [replica] = (await api.show(source)).replicas ?? []
    const answer = await expected(
      202,
      api.call('PUT', `/instances/${replica?.id}`, { instance: { replica_of: null } }),
    )
    await api.done(answer.operationId, progress)
  })
  await display.step('delete everything', async (progress) => {
    for (const id of cast.endpoints.keys()) {
      const answer = await expected(202, api.call('DELETE', `/instances/${id}`))
      await api.done(answer.operationId, progress)
    }
    const left = (await api.call<{ instances: unknown[] }>('GET', '/instances')).body.instances.length
    if (left > 0) throw new Error(`${left} instances are still there.`)
  })
}

function writersOf(cast: Cast, prefix: string, total?: number) {
  return startWriters({
    members: () => [...cast.endpoints.values()],
    password: cast.password,
    writers: WRITERS,
    prefix,
    ...(total === undefined ? {} : { total }),
  })
}

async function leaderAmong(api: Api, ids: readonly string[]): Promise<string> {
  const shown = await Promise.all(ids.map((id) => api.show(id)))
  const leader = shown.find(({ replicas }) => replicas !== undefined)
  if (!leader) throw new Error('No replica leads the set.')
  return leader.id
}

async function lostOf(cast: Cast, leader: string, ledger: Ledger, frozenAtMs: number): Promise<number> {
  const missing = new Set(await missingOn(endpointOf(cast, leader), cast.password, 'eject', ledger))
  return ledger.acks.filter(
    ({ id, atMs, member }) =>
      missing.has(id) && (atMs < frozenAtMs - REPLICATED_MS || member === endpointOf(cast, leader).host),
  ).length
}

async function tryWrite(endpoint: Endpoint, password: string): Promise<string> {
  const redis = new Redis({
    ...endpoint,
    password,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    connectTimeout: 1000,
    commandTimeout: 1000,
  })
  redis.on('error', () => undefined)
  try {
    return await redis.set('probe', '1')
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    redis.disconnect()
  }
}

async function expected<T extends { status: number; body: unknown }>(
  status: number,
  call: Promise<T>,
): Promise<T> {
  const answer = await call
  if (answer.status !== status)
    throw new Error(`The API answered ${answer.status} instead of ${status}: ${JSON.stringify(answer.body)}`)
  return answer
}

function endpointOf(cast: Cast, id: string): Endpoint {
  return cast.endpoints.get(id) ?? { host: '', port: REDIS_PORT }
}
