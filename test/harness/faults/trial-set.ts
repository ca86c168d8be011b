/* A source with replicas in the middle of a trial: who is there now, who leads, and everybody's processes. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import type { Endpoint } from '../../../domain/instance/endpoint.js'
import { directRedis } from '../workload/direct-redis.js'
import type { Stage } from './stage.js'

export interface Member {
  readonly id: string
  readonly endpoint: Endpoint
}

export interface TrialSet {
  readonly name: string
  readonly password: string
  /** Everybody that ever belonged to it, in order of creation. */
  readonly members: readonly Member[]
  /** Members that were told to leave, and when: what is written to them from then on is another set's. */
  readonly left: ReadonlyMap<string, number>
  leave(id: string): void
  /** Looks for members that were created since, and makes their links pass through proxies. */
  refresh(): Promise<void>
  member(id: string): Member
  /** Whom the API shows as the source; null when it cannot be asked. */
  sourceId(): Promise<string | null>
  ask<T>(id: string, question: (redis: Redis) => Promise<T>): Promise<T>
  /** Agent's and redis-server's pid, 0 for one that does not run. */
  pids(id: string): { readonly agent: number; readonly server: number }
}

let number = 0

/** Creates a source with `replicas` replicas and waits until all are healthy. */
export async function openTrialSet(stage: Stage, replicas: number): Promise<TrialSet> {
  const { client } = stage.stack
  number += 1
  const name = `t${number}`
  const source = await client.createSource(name)
  const members: Member[] = []
  const set = describe(stage, name, source.password, members)
  members.push({ id: source.id, endpoint: await client.addressOf(source.id) })
  await stage.toMember((members[0] as Member).endpoint.host)
  if (replicas > 0) {
    await client.createReplicas(source.id, `${name}-r`, replicas)
    await set.refresh()
  }
  for (const { id } of members) await client.healthy(id)
  return set
}

function describe(stage: Stage, name: string, password: string, members: Member[]): TrialSet {
  const { client, stateDir } = stage.stack
  const left = new Map<string, number>()
  const member = (id: string) => {
    const found = members.find((one) => one.id === id)
    if (!found) throw new Error(`${id} is no member of ${name}`)
    return found
  }
  const pidIn = (id: string, file: string) => {
    const path = join(stateDir, 'guests', id, file)
    const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
    return Number(text.split(' ')[0] || 0)
  }
  return {
    name,
    password,
    members,
    member,
    left,
    leave: (id) => {
      left.set(id, performance.now())
    },
    refresh: async () => {
      const all = await client.list()
      const ours = all.filter((one) => one.name === name || one.name.startsWith(`${name}-`))
      for (const { id, addresses } of ours) {
        const host = addresses?.[0]?.address
        if (!host || members.some((one) => one.id === id)) continue
        members.push({ id, endpoint: { host, port: 6379 } })
        await stage.toMember(host)
      }
    },
    sourceId: async () => {
      const shown = await Promise.all(members.map(({ id }) => client.show(id).catch(() => null)))
      return (
        shown.find((one) => one?.replication?.role === 'source' && one.replicas !== undefined)?.id ?? null
      )
    },
    ask: async (id, question) => {
      const redis = directRedis(member(id).endpoint, password, 2_000)
      try {
        await redis.connect()
        return await question(redis)
      } finally {
        redis.disconnect()
      }
    },
    pids: (id) => ({ agent: pidIn(id, 'agent.pid'), server: pidIn(id, 'server.pid') }),
  }
}
