/*
 * Clients that write all the time and keep a history of every attempt: adding to a set, setting a register, counting, appending
 * to a list. They know the addresses of a set's members and find out by themselves which one takes writes.
 */

import type { Redis } from 'ioredis'
import type { Endpoint } from '../../../domain/instance/endpoint.js'
import { type Deed, failureOf } from './deed.js'
import { directRedis } from './direct-redis.js'

export interface WorkloadOptions {
  /** May change while they write. */
  readonly members: () => readonly Endpoint[]
  readonly password: string
  readonly writers: number
  /** Of those writers, so many ask with each write how many replicas have it. */
  readonly asking: number
  /** How many replicas they ask for. */
  readonly replicas: number
  readonly prefix: string
}

export interface Workload {
  readonly deeds: readonly Deed[]
  stop(): Promise<readonly Deed[]>
}

const COMMAND_MS_MAX = 400
const WAIT_MS_MAX = 100
const PAUSE_MS = 2
/** Between a writer's writes; none in the whole matrix. Without a pause, writers alone keep a core busy. */
const PACE_MS = process.env.REDTROVE_TEST_FAULTS === 'all' ? 0 : 2
const PROBE_MS = 20
const KINDS = ['add', 'set', 'count', 'push'] as const

/** Starts writers and, for each member there ever is, a prober that tries a write every 20 ms. */
export function startWorkload(options: WorkloadOptions): Workload {
  const deeds: Deed[] = []
  const state = { stopping: false }
  const loops = Array.from({ length: options.writers }, (_, writer) => write(writer, options, deeds, state))
  loops.push(probe(options, deeds, state))
  return {
    deeds,
    stop: async () => {
      state.stopping = true
      await Promise.all(loops)
      return deeds
    },
  }
}

async function write(
  writer: number,
  options: WorkloadOptions,
  deeds: Deed[],
  state: { readonly stopping: boolean },
): Promise<void> {
  const clients = clientsOf(options.password)
  const asks = writer < options.asking ? options.replicas : 0
  for (let value = 1, turn = writer; !state.stopping; value += 1) {
    const members = options.members()
    const member = members[turn % members.length]
    if (!member) break
    const kind = KINDS[value % KINDS.length] ?? 'add'
    const key = `${options.prefix}:${kind}:${writer}`
    const deed = await attempt(clients, member, { kind, key, value }, asks)
    deeds.push(deed)
    if (deed.outcome !== 'ok') turn += 1
    const pauseMs = deed.outcome === 'ok' ? PACE_MS : PAUSE_MS
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
  clients.close()
}

/** Every member is tried all the time, whoever is said to lead: two that take writes at once are found within 20 ms. */
async function probe(
  options: WorkloadOptions,
  deeds: Deed[],
  state: { readonly stopping: boolean },
): Promise<void> {
  const busy = new Set<string>()
  const clients = clientsOf(options.password)
  for (let value = 1; !state.stopping; value += 1) {
    for (const member of options.members()) {
      if (busy.has(member.host)) continue
      busy.add(member.host)
      const what = { kind: 'probe', key: `${options.prefix}:probe:${member.host}`, value } as const
      void attempt(clients, member, what, 0).then((deed) => {
        deeds.push(deed)
        busy.delete(member.host)
      })
    }
    await new Promise((resolve) => setTimeout(resolve, PROBE_MS))
  }
  clients.close()
}

async function attempt(
  clients: Clients,
  member: Endpoint,
  what: Pick<Deed, 'kind' | 'key' | 'value'>,
  replicas: number,
): Promise<Deed> {
  const startMs = performance.now()
  const done = (outcome: Deed['outcome'], why: string | null, onReplicas: number | null): Deed => ({
    ...what,
    member: member.host,
    startMs,
    endMs: performance.now(),
    outcome,
    why,
    onReplicas,
  })
  let redis: Redis
  try {
    redis = await clients.to(member)
  } catch (error) {
    clients.drop(member)
    // A login that was not answered has written nothing.
    return done('fail', failureOf(error).why, null)
  }
  try {
    // Sent together: nobody can come in between on this connection.
    const [, waited] = await Promise.all([
      commandOf(redis, what),
      replicas > 0 ? redis.wait(replicas, WAIT_MS_MAX).catch(() => 0) : null,
    ])
    return done('ok', null, waited)
  } catch (error) {
    const { outcome, why } = failureOf(error)
    if (outcome === 'unknown') clients.drop(member)
    return done(outcome, why, null)
  }
}

function commandOf(redis: Redis, { kind, key, value }: Pick<Deed, 'kind' | 'key' | 'value'>) {
  if (kind === 'add') return redis.sadd(key, value)
  if (kind === 'count') return redis.incr(key)
  return kind === 'push' ? redis.rpush(key, value) : redis.set(key, value)
}

interface Clients {
  to(member: Endpoint): Promise<Redis>
  drop(member: Endpoint): void
  close(): void
}

function clientsOf(password: string): Clients {
  const known = new Map<string, Redis>()
  return {
    to: async (member) => {
      const found = known.get(member.host)
      if (found?.status === 'ready') return found
      found?.disconnect()
      const redis = directRedis(member, password, COMMAND_MS_MAX)
      known.set(member.host, redis)
      await redis.connect()
      return redis
    },
    drop: (member) => {
      known.get(member.host)?.disconnect()
      known.delete(member.host)
    },
    close: () => {
      for (const redis of known.values()) redis.disconnect()
    },
  }
}
