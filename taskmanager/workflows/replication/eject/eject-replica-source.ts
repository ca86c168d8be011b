/*
 * prepare: a fresh look at everybody; the source must look dead to two witnesses (or the eject is forced). Fence it through the
 *          provider, cut the replicas' links so that no late byte arrives, sample and rank them. Taken back by starting the
 *          source again and leading the replicas to it.
 * saved:   the plan, and rows that say that the most current replica leads and the old source is in a set of its own.
 * commit:  it leads; if it does not answer it is fenced and the next in rank does. The others follow at once.
 * A replica that cannot be asked is skipped; drift repair leads it back when it returns.
 */

import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { isKind, RedtroveError } from '../../../../common/errors.js'
import { endpointSchema } from '../../../../domain/instance/endpoint.js'
import type { InstanceId } from '../../../../domain/instance/instance.js'
import type { Observation } from '../../../../domain/instance/observation.js'
import { isSilent, reportAgeMs } from '../../../../domain/instance/silence.js'
import {
  type Candidate,
  ejectRefusal,
  estimatedLossBytes,
  type Lineage,
  type Ranked,
  rankCandidates,
} from '../../../../domain/replication/ejection.js'
import { ejected } from '../../../../domain/replication/topology.js'
import type { InstanceFacts } from '../../../../store/store.js'
import type { Outcome, Workflow, WorkflowContext } from '../../../engine/workflow.js'
import { isGuestsFault, lookAt, within } from '../../../guests/guests.js'
import { type Renewed, renewReplication } from '../../accounts/renew-replication.js'
import { ensureGuest } from '../../instance/bring-up.js'
import { faultMismatched } from '../fault-mismatched.js'
import { follow, lead, leaderInRows, memberOf, planned, repoint, watchLinks } from '../promote/hand-over.js'
import { assignmentFor, faultsOn, membersOf, requireSource } from '../set-members.js'
import { ejectedInto } from './ejected-into.js'

const memberSchema = z.object({ id: z.uuid(), endpoint: endpointSchema })

const planSchema = z.object({
  oldSourceId: z.uuid(),
  ownSetId: z.uuid(),
  replicas: z.array(memberSchema),
  /** Best first. */
  ranking: z.array(
    z.object({ id: z.uuid(), lineage: z.enum(['A', 'B']), offset: z.number(), reason: z.string() }),
  ),
  skipped: z.array(z.uuid()),
  estimatedLossBytes: z.number().nullable(),
})
type EjectPlan = z.output<typeof planSchema>

/** A dead source is fenced, the most current replica leads. */
export const ejectReplicaSource: Workflow<'eject_replica_source', EjectPlan> = {
  kind: 'eject_replica_source',
  plan: planSchema,

  async prepare(context, takeBack) {
    const set = await membersOf(context)
    const source = requireSource(set)
    const before = await context.step('look at every member', () => lookAround(source, set.replicas, context))
    const forced = 'force' in context.operation.request && context.operation.request.force === true
    refuse(source, set.replicas, before, forced, context)
    // Undone in reverse: the source first, then the links to it.
    takeBack('cut the links', (back) => joinLinks(source, set.replicas, back))
    takeBack('fence the source', (back) => letSourceReturn(source, back))
    await context.step('fence the source', () => context.compute.fence(source.instance.id))
    const samples = await context.step(
      'cut the links and compare the replicas',
      () => sample(set.replicas, context),
      (sampled) => `${sampled.length} of ${set.replicas.length} replicas answered`,
    )
    const plan = planOf(source, set.replicas, samples, lineageOf(source, before))
    const [winner] = plan.ranking
    if (!winner) throw nobodyToLead(source.instance.id)
    const after = ejected(
      { source: source.instance.id, replicas: set.replicas.map(({ instance }) => instance.id) },
      winner.id,
    )
    const gone = ejectedInto(
      plan.ownSetId,
      source.instance.id,
      await context.store.sets.find(context.operation.setId),
      context,
    )
    const roles = { [after.source ?? winner.id]: { role: 'source' as const } }
    return { plan, changes: { ...gone, instances: { ...gone.instances, ...roles } } }
  },

  async commit(plan, context) {
    const first = context.resumed ? await leaderInRows(context) : null
    const chosen = first ?? plan.ranking[0]?.id ?? plan.oldSourceId
    const members = plan.replicas
    const led = await lead(chosen, { members, next: (lost) => nextInRank(plan, lost, context) }, context)
    const followers = members
      .map(({ id }) => id)
      .filter((id) => id !== led.leader.id && !led.lost.includes(id))
    const missed = await repoint(followers, led.leader, context)
    const told = followers.filter((id) => !missed.includes(id))
    await watchLinks(told, led.leader, context)
    const renewed = await renewReplication(led.leader.id, told, context)
    return outcomeOf(plan, { leaderId: led.leader.id, lost: led.lost, missed, renewed })
  },

  rolledBack: ({ operation, ...context }, _why, left) =>
    left.length === 0
      ? {}
      : {
          instances: faultsOn(
            [operation.instanceId],
            `It was fenced. ${left.join(' ')} Restart it.`,
            context,
          ),
        },

  giveUp: (_plan, context, why) => faultMismatched(context, why),
}

interface Seen {
  readonly source: Observation | null
  readonly replicas: ReadonlyMap<InstanceId, Observation>
}

/** Everybody at once; nobody waits long for a guest that has been silent all along. */
async function lookAround(
  source: InstanceFacts,
  replicas: readonly InstanceFacts[],
  context: WorkflowContext,
): Promise<Seen> {
  const look = (facts: InstanceFacts) => lookAt(facts.instance.id, context, waitFor(facts, context))
  const [seen, ...others] = await Promise.all([look(source), ...replicas.map(look)])
  const answered = replicas.flatMap(({ instance }, index) => {
    const one = others[index]
    return one ? [[instance.id, one] as const] : []
  })
  return { source: seen ?? null, replicas: new Map(answered) }
}

function waitFor({ stored }: InstanceFacts, { timings }: WorkflowContext): number {
  return isSilent(stored, timings.reportAgeMsMax) ? timings.silentLookMs : timings.lookMs
}

/** The same question that the API asked, of what is seen now. */
function refuse(
  source: InstanceFacts,
  replicas: readonly InstanceFacts[],
  seen: Seen,
  forced: boolean,
  context: WorkflowContext,
): void {
  const refusal = ejectRefusal({
    sourceReportAgeMs: seen.source ? 0 : reportAgeMs(source.stored),
    source: seen.source ?? source.stored?.observation ?? null,
    replicas: replicas.map((facts) => {
      const observation = seen.replicas.get(facts.instance.id) ?? null
      return { id: facts.instance.id, reportAgeMs: observation ? 0 : null, observation }
    }),
    reportAgeMsMax: context.timings.reportAgeMsMax,
  })
  if (refusal && !forced)
    throw new RedtroveError('unprocessable', `The source ${source.instance.id} was not ejected: ${refusal}.`)
  const candidates = [...seen.replicas].map(([id, observation]) => ({ id, observation }))
  if (rankCandidates(candidates, lineageOf(source, seen)).length === 0) throw nobodyToLead(source.instance.id)
}

function nobodyToLead(sourceId: InstanceId): RedtroveError {
  const why = 'no replica answers that holds data to lead with'
  return new RedtroveError(
    'unprocessable',
    `The source ${sourceId} was not ejected: ${why}. Restart the source or a replica.`,
  )
}

/** What is last known of the source's history: what it says now, else what it said last; else what most replicas have. */
function lineageOf({ stored }: InstanceFacts, seen: Seen): Lineage {
  const known = [seen.source, stored?.observation].find((one) => one?.replicationId)
  if (known) return { replicationId: known.replicationId, offset: known.offset }
  const ids = [...seen.replicas.values()].map(({ replicationId }) => replicationId)
  const count = (id: string | null) => ids.filter((one) => one === id).length
  const [most = null] = ids.filter((id) => id !== null).toSorted((a, b) => count(b) - count(a))
  return { replicationId: most, offset: null }
}

async function sample(
  replicas: readonly InstanceFacts[],
  context: WorkflowContext,
): Promise<readonly Candidate[]> {
  const cut = async (facts: InstanceFacts): Promise<Candidate | null> => {
    const { id } = facts.instance
    const token = context.token('cut the link')
    try {
      const { observation } = await within(`Instance ${id}`, waitFor(facts, context), context, (signal) =>
        context.guest(id).severLink({ token }, { signal }),
      )
      return { id, observation }
    } catch (error) {
      if (!isGuestsFault(error)) throw error
      context.log.warn({ instanceId: id, reason: error.message }, 'replica skipped')
      return null
    }
  }
  return (await Promise.all(replicas.map(cut))).filter((one) => one !== null)
}

function planOf(
  source: InstanceFacts,
  replicas: readonly InstanceFacts[],
  samples: readonly Candidate[],
  lineage: Lineage,
): EjectPlan {
  const members = [...planned(replicas)]
  const ranking = rankCandidates(samples, lineage).filter(({ id }) => members.some((one) => one.id === id))
  const asked = new Set(samples.map(({ id }) => id))
  const [winner] = ranking
  return {
    oldSourceId: source.instance.id,
    ownSetId: randomUUID(),
    replicas: members,
    ranking: ranking.map((one: Ranked) => ({ ...one })),
    skipped: replicas.map(({ instance }) => instance.id).filter((id) => !asked.has(id)),
    estimatedLossBytes: winner ? estimatedLossBytes(winner, lineage) : null,
  }
}

/**
 * It was fenced for nothing: its agent may run again, and makes it what the rows still say. Where its host is away it runs when that is back,
 * which the provider has recorded by then.
 */
async function letSourceReturn(source: InstanceFacts, context: WorkflowContext): Promise<void> {
  try {
    await ensureGuest(source, await assignmentFor('source', null, context), context)
  } catch (error) {
    if (!isKind(error, 'guest_failed')) throw error
    const { state } = await context.compute.inspect(source.instance.id)
    if (state === 'fenced') throw error
    context.log.warn({ instanceId: source.instance.id, reason: error.message }, 'the source may run again')
  }
}

/** At once; a replica that cannot be told joins by itself when its cut has lasted 20 s. */
async function joinLinks(
  { instance: { endpoint } }: InstanceFacts,
  replicas: readonly InstanceFacts[],
  context: WorkflowContext,
): Promise<void> {
  if (endpoint === null) return
  const join = async ({ instance: { id } }: InstanceFacts) => {
    await follow(id, endpoint, context, context.timings.lookMs).catch((error: unknown) => {
      if (!isGuestsFault(error)) throw error
    })
  }
  await Promise.all(replicas.map(join))
}

/** The best that still answers. */
async function nextInRank(
  plan: EjectPlan,
  lost: readonly InstanceId[],
  context: WorkflowContext,
): Promise<InstanceId | null> {
  for (const { id } of plan.ranking) {
    if (!lost.includes(id) && (await lookAt(id, context))?.service === 'running') return id
  }
  return null
}

/** Who leads, who does not any more, and what became of the replicas' password. */
interface Ended {
  readonly leaderId: InstanceId
  readonly lost: readonly InstanceId[]
  readonly missed: readonly InstanceId[]
  readonly renewed: Renewed
}

function outcomeOf(plan: EjectPlan, { leaderId: winnerId, lost, missed, renewed }: Ended): Outcome {
  const winner = plan.ranking.find(({ id }) => id === winnerId)
  const loss = plan.ranking[0]?.id === winnerId ? plan.estimatedLossBytes : null
  const lossWords =
    loss === null
      ? 'how much was lost is not known'
      : `at most ${loss} bytes of the last known history were lost`
  const summary = `Instance ${winnerId} is the source (${winner?.reason ?? 'chosen before'}); ${plan.oldSourceId} was fenced and ejected; ${lossWords}.${renewed.note}`
  return {
    state: 'done',
    changes: renewed.changes,
    result: {
      summary,
      sourceId: memberOf({ members: plan.replicas }, winnerId).id,
      ejectedId: plan.oldSourceId,
      estimatedLossBytes: loss,
      ranking: plan.ranking,
      skipped: plan.skipped,
      leftBehind: missed,
      fenced: lost,
    },
  }
}
