/*
 * prepare: the source serves and persists. No backup is taken: the replication strategy says that none is needed, the replicas
 *          copy from the running source. Nothing to take back; the new instances get the reason as their fault.
 * commit:  tune the source's synchronisation (at run time, no restart), then for all new replicas at once, so that one fork serves
 *          them: start its guest, tell it whom to follow, wait for its link. One that fails gets a fault alone and the others go
 *          on; the source is untouched, and its settings are restored in any case.
 * Done when at least one replica linked up; failed when none did.
 */

import { z } from 'zod'
import { isKind, messageOf, RedtroveError } from '../../../common/errors.js'
import { endpointSchema } from '../../../domain/instance/endpoint.js'
import type { InstanceId } from '../../../domain/instance/instance.js'
import type { Observation } from '../../../domain/instance/observation.js'
import { isSilent } from '../../../domain/instance/silence.js'
import type { InstanceFacts } from '../../../store/store.js'
import { inParallel } from '../../engine/in-parallel.js'
import type { Outcome, Workflow, WorkflowContext } from '../../engine/workflow.js'
import { insist, isGuestsFault, within } from '../../guests/guests.js'
import { ensureGuest, removeGuest, untilReported, untilServing } from '../instance/bring-up.js'
import { follow } from './promote/hand-over.js'
import { assignmentFor, endpointOf, faultOf, faultsOn, membersOf, requireSource } from './set-members.js'
import { untilLinked } from './until-linked.js'

const planSchema = z.object({ sourceId: z.uuid(), source: endpointSchema, replicaIds: z.array(z.uuid()) })
type Plan = z.output<typeof planSchema>

/** Guests that are started at once. */
const PARALLEL_MAX = 8
const SOURCE_LOOK_MS = 1_000
const STREAM_MS_MAX = 2_500
/** What each strategy needs before a replica can be made; `true` would mean a backup of the source first. */
const BACKUP_REQUIRED = { 'redis-sync': false } as const

/** N replicas of one source. */
export const createReplicas: Workflow<'create_replicas', Plan> = {
  kind: 'create_replicas',
  plan: planSchema,

  async prepare(context) {
    const { replicaIds } = context.operation.request
    const source = requireSource(await membersOf(context))
    await context.step('check the source', () => checkSource(source, context))
    await context.step(
      'back up the source',
      async () => BACKUP_REQUIRED['redis-sync'],
      (required) => (required ? null : 'skipped: the redis-sync strategy needs none'),
    )
    return { plan: { sourceId: source.instance.id, source: endpointOf(source), replicaIds: [...replicaIds] } }
  },

  async commit(plan, context) {
    await tune(plan, plan.replicaIds.length, context)
    try {
      const why = await inParallel(plan.replicaIds, PARALLEL_MAX, (id, index) =>
        create(id, index + 1, plan, context),
      )
      return outcomeOf(plan, why)
    } finally {
      if (!context.signal.aborted) await tune(plan, 0, context)
    }
  },

  rolledBack: ({ operation, ...context }, why) => ({
    instances: faultsOn(
      operation.request.replicaIds,
      `${why.message} Restart it to try again, or delete it.`,
      context,
    ),
  }),

  async giveUp({ replicaIds }, context, why) {
    const facts = await context.store.instances.findMany(replicaIds)
    const unlinked = facts
      .filter(({ stored }) => stored?.observation.link !== 'up')
      .map(({ instance }) => instance.id)
    return {
      state: 'failed',
      fault: why.message,
      changes: { instances: faultsOn(unlinked, why.message, context) },
    }
  },
}

async function checkSource(source: InstanceFacts, context: WorkflowContext): Promise<void> {
  const { id } = source.instance
  const seen = await untilServing(id, context, context.timings.patienceMs)
  const refuse = (why: string) => {
    throw new RedtroveError('unprocessable', `Instance ${id} cannot get replicas: ${why}.`)
  }
  if (seen.role !== 'source') refuse('it does not lead')
  if (seen.persistenceOk === false) refuse('its persistence fails (disk full?)')
}

/** Faster synchronisation while replicas are made; without it they are only made more slowly. */
async function tune(plan: Plan, replicaCount: number, context: WorkflowContext): Promise<void> {
  const token = context.token('tune synchronisation')
  const name =
    replicaCount > 0 ? 'tune synchronisation on the source' : 'restore synchronisation on the source'
  await context
    .step(name, () =>
      insist(
        `Instance ${plan.sourceId}`,
        context,
        (signal) => context.guest(plan.sourceId).tuneSync({ token, replicaCount }, { signal }),
        context.timings.lookMs,
      ),
    )
    .catch((error: unknown) => {
      if (!isGuestsFault(error)) throw error
      context.log.warn({ instanceId: plan.sourceId, reason: messageOf(error) }, 'synchronisation not tuned')
    })
}

/** Null when the replica is linked, else why not; it has the fault then. Fails only for reasons that are not this replica's. */
async function create(
  id: InstanceId,
  number: number,
  plan: Plan,
  context: WorkflowContext,
): Promise<string | null> {
  const facts = await context.store.instances.find(null, id)
  if (facts.instance.fault) return facts.instance.fault.message
  let started = false
  try {
    await context.step(`replica ${number}: start the guest`, () => start(facts, plan, context))
    started = true
    await context.step(`replica ${number}: copy the data`, async (progress) => {
      await follow(id, plan.source, context)
      const seen = await untilLinked(id, context, {
        progress,
        obstacle: throttled(sourceLasting(plan, context), context),
      })
      progress('waiting for the stream')
      await untilStreaming(id, seen, context)
    })
    await untilReported(id, context)
    return null
  } catch (error) {
    if (!isReplicasOwn(error)) throw error
    await leave(id, started, error.message, context)
    return error.message
  }
}

/**
 * After a copy that went straight into the link a source sends nothing until the replica has acknowledged it, which may be a
 * second later (Redis 7.0, `repl_start_cmd_stream_on_ack`); the link counts as up, and all that is written meanwhile is on the
 * source alone. The source pings each second, so an offset that moves says that the stream has begun. Nothing depends on it but
 * what users may conclude from "done", so it is not waited for longer than that takes.
 */
async function untilStreaming(id: InstanceId, seen: Observation, context: WorkflowContext): Promise<void> {
  const { replicationId, offset } = seen
  if (replicationId === null || offset === null) return
  const wanted = {
    token: context.token('see the stream'),
    replicationId,
    offset: offset + 1,
    waitMs: STREAM_MS_MAX,
  }
  try {
    const { reached } = await within(`Instance ${id}`, STREAM_MS_MAX * 2, context, (signal) =>
      context.guest(id).waitForOffset(wanted, { signal }),
    )
    if (!reached)
      context.log.warn({ instanceId: id, offset }, 'replica linked, but nothing was sent to it yet')
  } catch (error) {
    if (!isGuestsFault(error)) throw error
  }
}

async function start(facts: InstanceFacts, plan: Plan, context: WorkflowContext): Promise<void> {
  await ensureGuest(facts, await assignmentFor('replica', plan.source, context), context)
  await untilServing(facts.instance.id, context)
}

function isReplicasOwn(error: unknown): error is RedtroveError {
  return isKind(error, 'guest_failed', 'guest_timeout', 'conflict', 'unprocessable')
}

/** It alone goes to ERROR. What never came up is removed, so that another try begins at another address. */
async function leave(id: InstanceId, started: boolean, why: string, context: WorkflowContext): Promise<void> {
  context.log.warn({ instanceId: id, reason: why }, 'replica not created')
  const removed =
    !started &&
    (await removeGuest(id, context).then(
      () => true,
      () => false,
    ))
  const fault = faultOf(`${why} Restart it to try again, or delete it.`, context)
  await context.change({ instances: { [id]: { fault, ...(removed ? { endpoint: null } : {}) } } })
}

/** What keeps the source from giving its data, once it has lasted: a server that is started again at once is no obstacle. */
function sourceLasting({ sourceId }: Plan, context: WorkflowContext): () => Promise<string | null> {
  const { clock, timings } = context
  let downSinceMs: number | null = null
  return async () => {
    const [source] = await context.store.instances.findMany([sourceId])
    if (!source) return `its source ${sourceId} is gone`
    if (isSilent(source.stored, timings.reportAgeMsMax))
      return `the agent of its source ${sourceId} does not report`
    const seen = source.stored?.observation
    const isDown = ['stopped', 'crashed', 'unresponsive'].includes(seen?.service ?? '')
    downSinceMs = isDown ? (downSinceMs ?? clock.monotonicMs()) : null
    if (downSinceMs === null || clock.monotonicMs() - downSinceMs < timings.patienceMs) return null
    return `its source ${sourceId} does not serve (${seen?.fault ?? seen?.service})`
  }
}

/** Asks at most once a second. */
function throttled(
  look: () => Promise<string | null>,
  { clock }: WorkflowContext,
): () => Promise<string | null> {
  let nextMs = 0
  return async () => {
    if (clock.monotonicMs() < nextMs) return null
    nextMs = clock.monotonicMs() + SOURCE_LOOK_MS
    return look()
  }
}

function outcomeOf({ replicaIds, sourceId }: Plan, why: readonly (string | null)[]): Outcome {
  const failed = replicaIds.filter((_, index) => why[index] !== null)
  const linked = replicaIds.length - failed.length
  const result = { summary: `${linked} of ${replicaIds.length} replicas follow ${sourceId}.`, failed }
  const reason = why.find((one) => one !== null)
  return linked > 0
    ? { state: 'done', result }
    : { state: 'failed', result, fault: reason ?? 'No replica linked up.' }
}
