/*
 * What must hold once the last fault has healed: every operation has ended (I3), what the API shows is what ROLE says (I4), one
 * member takes writes, nobody is left over (I5), and the next operation is accepted and done.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { waitUntil } from '../../../common/wait-until.js'
import type { InstanceBody, OperationBody } from '../trove-client.js'
import type { Stage } from './stage.js'
import type { TrialSet } from './trial-set.js'

const ENDED_MS_MAX = 60_000
const AGREED_MS_MAX = 45_000
const TERMINAL = ['done', 'rolled_back', 'failed']
const AT_REST = ['ACTIVE', 'ERROR']

/** What a settled set looks like. */
export interface Settled {
  readonly sourceId: string
  readonly replicaIds: readonly string[]
  /** Hosts that were put out of the set: what they alone had acknowledged is gone with them. */
  readonly ejectedHosts: readonly string[]
  readonly operations: readonly OperationBody[]
  /** From the call until the views agreed. */
  readonly tookMs: number
}

/** Waits for all of it; fails with what was last seen. */
export async function settle(stage: Stage, set: TrialSet): Promise<Settled> {
  const startMs = performance.now()
  const operations = await untilEnded(stage, set)
  await set.refresh()
  await mendErrors(stage, set)
  const members = await waitUntil(
    'API and servers agree',
    () => views(stage, set),
    (seen) => seen.disagreements.length === 0,
    { timeoutMs: AGREED_MS_MAX, pollMs: 100, describe: (seen) => seen.disagreements.join('; ') },
  )
  requireInventory(stage, await stage.stack.client.list())
  return { ...members, operations, tookMs: performance.now() - startMs }
}

async function untilEnded(stage: Stage, set: TrialSet): Promise<readonly OperationBody[]> {
  return waitUntil(
    'every operation has ended',
    async () => {
      // An operation that was accepted late may be on members that nobody has seen yet.
      await set.refresh()
      const found = new Map<string, OperationBody>()
      for (const { id } of set.members) {
        const path = `/instances/${id}/operations`
        const { status, body } = await stage.stack.client.send<{ operations: OperationBody[] }>('GET', path)
        if (status === 404) continue
        if (status !== 200) throw new Error(`GET ${path} answered ${status}`)
        for (const operation of body.operations) found.set(operation.id, operation)
      }
      return [...found.values()]
    },
    (operations) => operations.every(({ state }) => TERMINAL.includes(state)),
    { timeoutMs: ENDED_MS_MAX, pollMs: 100 },
  )
}

/** One that says what is wrong with it and what to do is not stuck; what it says (restart, eject) must help. */
async function mendErrors(stage: Stage, set: TrialSet): Promise<void> {
  const { client } = stage.stack
  for (const { id } of set.members) {
    const { status, body } = await client.send<{ instance: InstanceBody }>('GET', `/instances/${id}`)
    if (status === 404) continue
    const { fault, replicas = [] } = body.instance
    if (body.instance.status === 'ERROR' && !fault) throw new Error(`${id} is in ERROR without a fault`)
    const lost = replicas.length > 0 && /eject/i.test(fault?.message ?? '')
    if (body.instance.status !== 'ERROR' && !lost) continue
    const cure = lost ? 'eject_replica_source' : 'restart'
    await waitUntil(
      `${id} (${fault?.message}) is mended by ${cure}`,
      async () => {
        // A server that only stood still while it was looked at needs no cure any more.
        const { status: now, operating_status: seen } = await client.show(id)
        if (now === 'ACTIVE' && seen === 'HEALTHY') return { state: 'done' }
        const answer = await client.act(id, cure)
        if (answer.status >= 300) return { state: `${cure} answered ${JSON.stringify(answer.body)}` }
        return client.ended(answer.operationId)
      },
      ({ state }) => state === 'done',
      { timeoutMs: AGREED_MS_MAX, pollMs: 500 },
    )
  }
}

async function views(stage: Stage, set: TrialSet) {
  const { client } = stage.stack
  const shown: InstanceBody[] = []
  for (const { id } of set.members) {
    const { status, body } = await client.send<{ instance: InstanceBody }>('GET', `/instances/${id}`)
    if (status === 200) shown.push(body.instance)
    else if (status !== 404) throw new Error(`GET ${id} answered ${status}`)
  }
  const withRole = (role: string) => shown.filter(({ replication }) => replication?.role === role)
  // Detached ones are sources of sets of their own.
  const sources = withRole('source').filter(({ id }) => !set.left.has(id))
  const source = sources.find((one) => one.replicas !== undefined) ?? sources[0] ?? withRole('source')[0]
  const disagreements = (await Promise.all(shown.map((one) => disagreement(set, one, shown)))).flat()
  if (!source) disagreements.push('there is no source')
  return {
    disagreements,
    sourceId: source?.id ?? '',
    replicaIds: withRole('replica').map(({ id }) => id),
    ejectedHosts: withRole('ejected').map(({ id }) => set.member(id).endpoint.host),
  }
}

async function disagreement(
  set: TrialSet,
  shown: InstanceBody,
  all: readonly InstanceBody[],
): Promise<string[]> {
  const { id, status, operating_status: operating, replication, replica_of: following } = shown
  if (!AT_REST.includes(status)) return [`${id} is ${status}`]
  const role = replication?.role ?? 'unknown'
  if (role === 'ejected') return (await takesWrites(set, id)) ? [`ejected ${id} takes writes`] : []
  if (status !== 'ACTIVE' || operating !== 'HEALTHY') return [`${id} (${role}) is ${status} ${operating}`]
  const info = await set.ask(id, (redis) => redis.info('replication')).catch(String)
  const field = (name: string) => new RegExp(`${name}:(.*)\r`).exec(info)?.[1] ?? ''
  const wanted = role === 'source' ? 'master' : 'slave'
  if (field('role') !== wanted) return [`${id} is ${role} and says ${info.slice(0, 60)}`]
  if ((await takesWrites(set, id)) !== (role === 'source'))
    return [`${id} (${role}) has its writes the wrong way`]
  if (role === 'source') return []
  const source = all.find((one) => one.id === following?.id)
  if (!source) return [`${id} follows ${following?.id}, which is not there`]
  const { host } = set.member(source.id).endpoint
  if (field('master_host') !== host) return [`${id} follows ${field('master_host')} instead of ${host}`]
  return field('master_link_status') === 'up' ? [] : [`${id} has its link ${field('master_link_status')}`]
}

async function takesWrites(set: TrialSet, id: string): Promise<boolean> {
  const said = await set.ask(id, (redis) => redis.set('settled', id)).catch(() => 'refused')
  return said === 'OK'
}

/** One agent and one redis-server for each instance, none of anybody else. */
function requireInventory(stage: Stage, instances: readonly InstanceBody[]): void {
  const guests = join(stage.stack.stateDir, 'guests')
  const known = new Set(instances.map(({ id }) => id))
  const seen = new Map<string, number>()
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
    try {
      const folder = readlinkSync(`/proc/${name}/cwd`)
      if (!folder.startsWith(guests)) continue
      const id = folder.slice(guests.length + 1).split('/')[0] ?? ''
      const what = readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('guestagent') ? 'agent' : 'server'
      const key = `${id} ${what}`
      seen.set(key, (seen.get(key) ?? 0) + 1)
      if (!known.has(id)) throw new Error(`process ${name} (${what}) belongs to no instance`)
      // A server forks itself to save.
      if (what === 'agent' && (seen.get(key) ?? 0) > 1) throw new Error(`${id} has two agents`)
    } catch (error) {
      if (error instanceof Error && 'code' in error) continue
      throw error
    }
  }
}
