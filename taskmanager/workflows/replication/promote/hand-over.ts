/*
 * What promote and eject share once the rows say who leads:
 *
 *   1. The choice is in the rows before anybody is told to lead, so whoever goes on after a crash makes the same choice.
 *   2. Nobody is told to lead before all who may still take writes are quiet: they answered that they follow, or are fenced.
 *   3. A leader that does not answer is fenced before the next one is written down.
 *
 * So at no point of death do two members take writes, and no memory but the rows is needed to go on.
 */

import { RedtroveError } from '../../../../common/errors.js'
import { type Endpoint, isSameEndpoint } from '../../../../domain/instance/endpoint.js'
import type { InstanceId } from '../../../../domain/instance/instance.js'
import { isSilent } from '../../../../domain/instance/silence.js'
import type { Changes, InstanceFacts } from '../../../../store/store.js'
import type { WorkflowContext } from '../../../engine/workflow.js'
import { type Assumed, assign, isGuestsFault, lookAt } from '../../../guests/guests.js'
import { assignmentFor, faultOf } from '../set-members.js'

/** A member as a plan keeps it. */
export interface PlannedMember {
  readonly id: InstanceId
  readonly endpoint: Endpoint
}

/** Who may lead, and in what order. */
export interface Succession {
  /** All who may lead or follow in the set, the leader included; never a fenced one. */
  readonly members: readonly PlannedMember[]
  /** Who leads when `lost` were fenced; null when nobody can. */
  next(lost: readonly InstanceId[]): Promise<InstanceId | null>
}

/** How the leading ended. */
export interface Led {
  readonly leader: PlannedMember
  /** Those that were to lead, did not answer, and were fenced. */
  readonly lost: readonly InstanceId[]
}

/** Tells a member to follow `source` and waits for its answer. Repeats while it is the guest that fails. */
export async function follow(
  id: InstanceId,
  source: Endpoint,
  context: WorkflowContext,
  patienceMs?: number,
): Promise<Assumed> {
  const assignment = await assignmentFor('replica', source, context)
  const token = context.token('follow')
  return assign(id, { token, assignment }, context, patienceMs)
}

/**
 * Makes `chosen`, which the rows name already, the writable source. One that does not answer is fenced, gets a fault, and the
 * next one is written down and tried. Fails with `fence_failed`, or with `guest_timeout` when nobody is left.
 */
export async function lead(
  chosen: InstanceId,
  succession: Succession,
  context: WorkflowContext,
): Promise<Led> {
  const lost: InstanceId[] = []
  for (let current = chosen; ; ) {
    try {
      await context.step(
        'lead the new source',
        () => tellToLead(current, context),
        () => current,
      )
      return { leader: memberOf(succession, current), lost }
    } catch (error) {
      if (!isGuestsFault(error)) throw error
      context.log.warn({ instanceId: current, reason: error.message }, 'new source does not answer')
    }
    await context.step('fence the new source that does not answer', () => context.compute.fence(current))
    lost.push(current)
    const next = await succession.next(lost)
    if (next === null)
      throw new RedtroveError('guest_timeout', `Instance ${current} was fenced and no other member can lead.`)
    await context.change(succeeded(current, next, context))
    current = next
  }
}

async function tellToLead(id: InstanceId, context: WorkflowContext): Promise<void> {
  const assignment = await assignmentFor('source', null, context)
  const token = context.token('lead')
  await assign(id, { token, assignment }, context)
}

/** The rows once `lost` was fenced and `next` is to lead. */
function succeeded(lost: InstanceId, next: InstanceId, context: WorkflowContext): Changes {
  const message =
    'It did not answer while it was to become the source, and was fenced. Restart it to bring it back as a replica.'
  return {
    instances: { [lost]: { role: 'replica', fault: faultOf(message, context) }, [next]: { role: 'source' } },
  }
}

/** Everybody else follows the leader, at once. Answers with those that did not; drift repair leads them back when they return. */
export async function repoint(
  ids: readonly InstanceId[],
  leader: PlannedMember,
  context: WorkflowContext,
): Promise<readonly InstanceId[]> {
  if (ids.length === 0) return []
  const tell = async (id: InstanceId): Promise<InstanceId | null> => {
    const patienceMs = await patienceWith(id, context)
    return follow(id, leader.endpoint, context, patienceMs).then(
      () => null,
      (error: unknown) => {
        if (!isGuestsFault(error)) throw error
        context.log.warn({ instanceId: id, reason: error.message }, 'replica not led to the new source')
        return id
      },
    )
  }
  return context.step(
    'lead the replicas to it',
    async () => (await Promise.all(ids.map(tell))).filter((id) => id !== null),
    (missed) => `${ids.length - missed.length} of ${ids.length} follow`,
  )
}

/** Nobody waits long for a guest that has been silent all along. */
async function patienceWith(id: InstanceId, context: WorkflowContext): Promise<number> {
  const [facts] = await context.store.instances.findMany([id])
  const { patienceMs, lookMs, reportAgeMsMax } = context.timings
  return facts && !isSilent(facts.stored, reportAgeMsMax) ? patienceMs / 2 : lookMs / 2
}

/** Waits a little for the links, for the record only: Redis goes on connecting by itself. */
export async function watchLinks(
  ids: readonly InstanceId[],
  leader: PlannedMember,
  context: WorkflowContext,
): Promise<void> {
  if (ids.length === 0) return
  const { clock, timings, signal } = context
  await context.step(
    'wait for their links',
    async (progress) => {
      const deadline = clock.monotonicMs() + timings.linkMs
      for (let said = ''; ; ) {
        const up = await linkedTo(leader.endpoint, ids, context)
        const words = `${up} of ${ids.length} linked`
        if (words !== said) progress(words)
        said = words
        if (up === ids.length || clock.monotonicMs() >= deadline) return words
        await clock.sleep(100, signal)
      }
    },
    (words) => words,
  )
}

async function linkedTo(
  source: Endpoint,
  ids: readonly InstanceId[],
  context: WorkflowContext,
): Promise<number> {
  const seen = await Promise.all(ids.map((id) => lookAt(id, context)))
  return seen.filter((one) => one?.link === 'up' && isSameEndpoint(one.following, source)).length
}

/** Members of a plan as they are addressed; fails with `internal` for an id that is not in it. */
export function memberOf({ members }: Pick<Succession, 'members'>, id: InstanceId): PlannedMember {
  const member = members.find((one) => one.id === id)
  if (member) return member
  throw new RedtroveError('internal', `Instance ${id} is not in the plan.`)
}

/** Members with an address, as a plan keeps them. One that never got an address can neither lead nor follow. */
export function planned(facts: readonly InstanceFacts[]): readonly PlannedMember[] {
  return facts.flatMap(({ instance }) =>
    instance.endpoint ? [{ id: instance.id, endpoint: instance.endpoint }] : [],
  )
}

/** Who the rows say leads the operation's set now; null when nobody does. */
export async function leaderInRows({ store, operation }: WorkflowContext): Promise<InstanceId | null> {
  return (await store.sets.topologyOf(operation.setId)).source
}
