/*
 * One trial: a set of its own, clients that write without pause, faults and operations in the order that the script says, then
 * peace, and every invariant is checked.
 */

import { waitUntil } from '../../../common/wait-until.js'
import { random } from '../random.js'
import type { Deed } from '../workload/deed.js'
import { type LossReport, lossOn } from '../workload/loss.js'
import { changeovers } from '../workload/writable.js'
import { startWorkload, type Workload } from '../workload/writers.js'
import { unmountAll } from './disk-faults.js'
import { watchEpochs } from './epoch-watch.js'
import type { Scene } from './fault.js'
import { askAsStranger, leaksOf, secretsOf } from './secrecy.js'
import { type Settled, settle } from './settle.js'
import type { Stage } from './stage.js'
import { openTrialSet, type TrialSet } from './trial-set.js'

export interface TrialOptions {
  readonly seed: number
  readonly replicas: number
  /** Breaks and does things; answers with what is to be healed. It runs beside the writers. */
  script(scene: Scene, log: (what: string) => void): Promise<readonly (() => Promise<void>)[]>
}

export interface TrialReport {
  readonly seed: number
  readonly events: readonly string[]
  readonly faults: number
  readonly loss: LossReport
  readonly settledMs: number
  readonly operations: Readonly<Record<string, number>>
  readonly violations: readonly string[]
  readonly password: string
}

const WRITERS = 6
const STRANGER_REFUSED = [401, 403, 404]

/** Carries a trial out and reports; it fails only when the stage itself is broken. */
export async function runTrial(stage: Stage, options: TrialOptions): Promise<TrialReport> {
  const choose = random(options.seed)
  const set = await openTrialSet(stage, options.replicas)
  const workload = startWorkload({
    members: () => set.members.filter(({ id }) => !set.left.has(id)).map(({ endpoint }) => endpoint),
    password: set.password,
    writers: WRITERS,
    asking: WRITERS / 2,
    replicas: Math.max(1, options.replicas),
    prefix: set.name,
  })
  const epochs = watchEpochs(stage.stack.stateDir)
  const events: string[] = []
  const startMs = performance.now()
  const log = (what: string) => {
    events.push(`${((performance.now() - startMs) / 1000).toFixed(2)} s ${what}`)
  }
  await writing(workload, 100)
  const violations: string[] = []
  const heals = await options.script({ stage, set, random: choose }, log).catch((error: unknown) => {
    violations.push(`script: ${String(error)}`)
    return []
  })
  const stranger = await askAsStranger(stage, set.members[0]?.id ?? '').catch(() => 404)
  if (!STRANGER_REFUSED.includes(stranger)) violations.push(`I10: a stranger was answered ${stranger}`)
  for (const heal of heals) await heal()
  log('healed')
  stage.haveSecondTaskmanager()
  const settled = await settle(stage, set).catch((error: unknown) => {
    violations.push(`I3/I4/I5: ${error instanceof Error ? error.message : String(error)}`)
    return null
  })
  log('settled')
  if (settled) violations.push(...(await nextOperation(stage, set, settled)))
  const deeds = withoutLeavers(set, await workload.stop())
  const { backwards } = epochs.stop()
  violations.push(...backwards.map((what) => `I7: ${what}`))
  // While the guests' own logs are there.
  const leaks = await leaksOf(stage, secretsOf(stage, [set.password]))
  violations.push(...leaks.map((what) => `I10: ${what}`))
  const loss = await judge(stage, set, settled, deeds, options.replicas, violations)
  await removeSet(stage, set)
  return {
    seed: options.seed,
    events,
    faults: heals.length,
    loss,
    settledMs: settled?.tookMs ?? 0,
    operations: countOf(settled),
    violations,
    password: set.password,
  }
}

async function writing(workload: Workload, acks: number): Promise<void> {
  await waitUntil(
    'writers are writing',
    () => workload.deeds.filter(({ outcome }) => outcome === 'ok').length,
    (count) => count >= acks,
    { timeoutMs: 20_000, pollMs: 20 },
  )
}

/** The set is of use again: a planned promote is accepted, loses nothing and copies nothing anew (I6). */
async function nextOperation(stage: Stage, set: TrialSet, settled: Settled): Promise<string[]> {
  const [candidate] = settled.replicaIds
  if (!candidate) return []
  const members = [settled.sourceId, ...settled.replicaIds]
  const before = await fullSyncs(set, members)
  const { client } = stage.stack
  const answer = await client.act(candidate, 'promote_to_replica_source')
  if (answer.status !== 202)
    return [`I3: the next promote was answered ${answer.status}: ${JSON.stringify(answer.body)}`]
  const operation = await client.ended(answer.operationId)
  if (operation.state !== 'done') return [`I3: the next promote ended ${operation.state}: ${operation.fault}`]
  for (const id of members) await client.healthy(id)
  const copied = (await fullSyncs(set, members)) - before
  return copied === 0 ? [] : [`I6: a planned promote caused ${copied} full synchronisations`]
}

async function fullSyncs(set: TrialSet, members: readonly string[]): Promise<number> {
  const stats = await Promise.all(members.map((id) => set.ask(id, (redis) => redis.info('stats'))))
  return stats.reduce((sum, info) => sum + Number(/sync_full:(\d+)/.exec(info)?.[1] ?? 0), 0)
}

async function judge(
  stage: Stage,
  set: TrialSet,
  settled: Settled | null,
  deeds: readonly Deed[],
  replicas: number,
  violations: string[],
): Promise<LossReport> {
  const sourceId = settled ? await set.sourceId().then((id) => id ?? settled.sourceId) : null
  if (!sourceId || !settled)
    return { acknowledged: 0, refused: 0, unknown: 0, lost: [], excused: 0, impossible: [] }
  const excuses = ({ member, onReplicas }: Deed) =>
    settled.ejectedHosts.includes(member) && (onReplicas ?? 0) < replicas
  const loss = await set.ask(sourceId, (redis) => lossOn(redis, deeds, excuses))
  violations.push(...loss.lost.map((what) => `I1: ${what}`), ...loss.impossible.map((what) => `I1: ${what}`))
  const changes = changeovers(deeds)
  const allowed = settled.operations.length * 2 + 2
  if (changes.length > allowed)
    violations.push(
      `I2: the writing changed hands ${changes.length} times, at most ${allowed} can be explained`,
    )
  await stage.stack.client
    .healthy(sourceId)
    .catch((error: unknown) => violations.push(`I4: ${String(error)}`))
  return loss
}

/** Writes to somebody who was told to leave belong to a set of its own, as soon as it takes any. */
function withoutLeavers(set: TrialSet, deeds: readonly Deed[]): readonly Deed[] {
  const leftAt = new Map([...set.left].map(([id, atMs]) => [set.member(id).endpoint.host, atMs]))
  return deeds.filter(({ member, endMs }) => endMs < (leftAt.get(member) ?? Number.POSITIVE_INFINITY))
}

async function removeSet(stage: Stage, set: TrialSet): Promise<void> {
  const { client } = stage.stack
  // A folder that something is mounted in cannot be removed.
  await unmountAll(stage.stack.stateDir)
  // Replicas first: a source that has some is not deleted.
  for (let round = 0; round < 3; round += 1) {
    for (const { id } of set.members) {
      const answer = await client.send('DELETE', `/instances/${id}`)
      if (answer.status === 202) await client.ended(answer.operationId).catch(() => undefined)
    }
  }
}

function countOf(settled: Settled | null): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { kind, state } of settled?.operations ?? []) {
    const key = `${kind} ${state}`
    counts[key] = (counts[key] ?? 0) + 1
  }
  return counts
}
