/*
 * prepare: the candidate's link is up and it is close behind; hold back writes on the source; the candidate has applied the
 *          source's last offset. Taken back by letting writes go on (they also do so by themselves when the pause runs out).
 * saved:   the plan, and rows that say that the candidate leads. From here whoever carries it out makes the machines agree.
 * commit:  demote first: the old source follows the candidate. If it took writes after the pause and is ahead, it leads again and
 *          all is as before. Else the candidate leads, then the others follow it at once.
 *
 * The old source does not answer: its replicas still hear it → it leads on, all as before; they do not → it is fenced and goes to
 * a set of its own, as an eject does. The candidate does not answer: it is fenced and whoever holds most leads.
 */
import { randomUUID } from 'node:crypto'
import { RedtroveError } from '../../../../common/errors.js'
import { waitUntil } from '../../../../common/wait-until.js'
import type { InstanceId } from '../../../../domain/instance/instance.js'
import type { Observation } from '../../../../domain/instance/observation.js'
import { promoted } from '../../../../domain/replication/topology.js'
import type { Workflow, WorkflowContext } from '../../../engine/workflow.js'
import { isGuestsFault, lookHardAt, within } from '../../../guests/guests.js'
import { furthest } from '../eject/furthest.js'
import { endpointOf, membersOf, requireSource } from '../set-members.js'
import { commitPromote, giveUpPromote } from './commit.js'
import { planned } from './hand-over.js'
import { type PromotePlan, promotePlanSchema } from './plan.js'

/** A candidate that is no further behind than this catches up while writes are held back. */
const LAG_BYTES_MAX = 64 * 1024
/** Share of the pause that waiting for the candidate may use; the rest is for saving the plan and the demotion. */
const WAIT_SHARE = 0.5

/** A replica becomes the source; no acknowledged write is lost. */
export const promoteToReplicaSource: Workflow<'promote_to_replica_source', PromotePlan> = {
  kind: 'promote_to_replica_source',
  plan: promotePlanSchema,

  async prepare(context, takeBack) {
    const set = await membersOf(context)
    const source = requireSource(set)
    const candidateId = context.operation.instanceId
    const after = promoted(
      { source: source.instance.id, replicas: set.replicas.map(({ instance }) => instance.id) },
      candidateId,
    )
    const candidateFacts = set.replicas.find(({ instance }) => instance.id === candidateId) ?? source
    const [oldSource, candidate] = [
      { id: source.instance.id, endpoint: endpointOf(source) },
      { id: candidateId, endpoint: endpointOf(candidateFacts) },
    ]
    await context.step(
      'check that the replica is close behind',
      () => untilReady(oldSource.id, candidate.id, context),
      (lag) => `${lag} bytes behind`,
    )
    await context.credentials()
    await readyTheCandidate(candidate.id, context)
    context.recordLater()
    takeBack('hold back writes', async (back) => {
      await back.guest(oldSource.id).resumeWrites({ token: back.token('resume writes') })
    })
    const { replicationId, offset } = await context.step('hold back writes', () =>
      holdWrites(oldSource.id, context),
    )
    await context.step('wait for the last write to arrive', () =>
      untilArrived(candidate.id, replicationId, offset, context),
    )
    const plan = {
      candidate,
      oldSource,
      members: [...planned([source, ...set.replicas])],
      replicationId,
      offset,
      ownSetId: randomUUID(),
    }
    return { plan, changes: { instances: rolesOf(after.source, after.replicas) } }
  },

  commit: commitPromote,
  giveUp: giveUpPromote,
}

/** Rows that say who leads and who follows. */
function rolesOf(source: InstanceId | null, replicas: readonly InstanceId[]) {
  const followers = replicas.map((id) => [id, { role: 'replica' as const }] as const)
  return Object.fromEntries([
    ...followers,
    ...(source ? [[source, { role: 'source' as const }] as const] : []),
  ])
}

/** Answers with the candidate's lag in bytes. */
async function untilReady(
  sourceId: InstanceId,
  candidateId: InstanceId,
  context: WorkflowContext,
): Promise<number> {
  const { clock, signal, timings } = context
  const [source, candidate] = await Promise.all([ask(sourceId, context), ask(candidateId, context)])
  if (!source)
    throw new RedtroveError(
      'unprocessable',
      `The replica source ${sourceId} does not answer. If it is lost, eject it instead.`,
    )
  if (!candidate)
    throw new RedtroveError('unprocessable', `Instance ${candidateId} does not answer; nothing was changed.`)
  const first = readiness(source, candidate)
  if (first.obstacle === null) return first.lagBytes
  const { lagBytes } = await waitUntil(
    `instance ${candidateId} is close behind its source`,
    async () => readiness(await ask(sourceId, context), await ask(candidateId, context)),
    ({ obstacle }) => obstacle === null,
    {
      timeoutMs: timings.promoteReadyMs,
      clock,
      signal,
      kind: 'unprocessable',
      describe: ({ obstacle }) => obstacle ?? 'ready',
    },
  )
  return lagBytes
}

function ask(id: InstanceId, context: WorkflowContext): Promise<Observation | null> {
  return lookHardAt(id, context, context.timings.lookMs * 2)
}

/** What stands in the way of a promote, as a sentence; null when nothing does. */
function readiness(source: Observation | null, candidate: Observation | null) {
  const lagBytes = Math.max(0, (source?.offset ?? 0) - (candidate?.offset ?? 0))
  return { lagBytes, obstacle: obstacleTo(source, candidate, lagBytes) }
}

function obstacleTo(
  source: Observation | null,
  candidate: Observation | null,
  lagBytes: number,
): string | null {
  if (!source || !candidate) return 'the source or the replica does not answer'
  if (source.service !== 'running') return `the source is ${whyNot(source)}`
  if (source.role !== 'source') return `the source is ${source.role ?? 'unknown'}`
  if (candidate.service !== 'running') return `the replica is ${whyNot(candidate)}`
  if (candidate.role !== 'replica' || candidate.link !== 'up')
    return `its link is ${candidate.link ?? 'not there'}`
  if (!furthest([{ id: '', observation: candidate }], source.replicationId)) return 'it has another history'
  if (candidate.persistenceOk === false) return 'its persistence fails (disk full?)'
  return lagBytes <= LAG_BYTES_MAX ? null : `it is ${lagBytes} bytes behind`
}

function whyNot({ service, fault }: Observation): string {
  return fault ? `${service} (${fault})` : service
}

async function holdWrites(sourceId: InstanceId, context: WorkflowContext) {
  const token = context.token('hold back writes')
  const pauseMs = context.timings.promotePauseMs
  // Not longer than the pause itself: an answer that comes later than that is worth nothing.
  return within(`Instance ${sourceId}`, pauseMs, context, (signal) =>
    context.guest(sourceId).pauseWrites({ token, pauseMs }, { signal }),
  )
}

/**
 * The candidate's agent writes this run's token to disk now, so that it need not while writes are held back. Only for the time it
 * saves: whatever the answer, the question that counts comes later.
 */
async function readyTheCandidate(candidateId: InstanceId, context: WorkflowContext): Promise<void> {
  const question = { token: context.token('be ready'), replicationId: '', offset: 0, waitMs: 0 }
  await within(`Instance ${candidateId}`, context.timings.lookMs, context, (signal) =>
    context.guest(candidateId).waitForOffset(question, { signal }),
  ).catch((error: unknown) => {
    if (!isGuestsFault(error)) throw error
  })
}

async function untilArrived(
  candidateId: InstanceId,
  replicationId: string,
  offset: number,
  context: WorkflowContext,
): Promise<void> {
  const waitMs = Math.floor(context.timings.promotePauseMs * WAIT_SHARE)
  const token = context.token('wait for the last write')
  const { promotePauseMs } = context.timings
  const seen = await within(`Instance ${candidateId}`, promotePauseMs, context, (signal) =>
    context.guest(candidateId).waitForOffset({ token, replicationId, offset, waitMs }, { signal }),
  )
  if (seen.reached) return
  throw new RedtroveError(
    'unprocessable',
    `Instance ${candidateId} had applied ${seen.offset} of ${offset} bytes after ${waitMs} ms, so writes go on where they were; try again.`,
  )
}
