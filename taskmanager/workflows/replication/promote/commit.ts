/* Second half of a promote: the rows say who leads, the machines follow. See promote-to-replica-source.ts. */

import type { RedtroveError } from '../../../../common/errors.js'
import type { InstanceId } from '../../../../domain/instance/instance.js'
import type { Observation } from '../../../../domain/instance/observation.js'
import type { Changes } from '../../../../store/store.js'
import type { Outcome, WorkflowContext } from '../../../engine/workflow.js'
import { isGuestsFault, lookAt, lookHardAt } from '../../../guests/guests.js'
import { ejectedInto } from '../eject/ejected-into.js'
import { furthest, hasAllOf } from '../eject/furthest.js'
import { faultMismatched } from '../fault-mismatched.js'
import { faultOf, membersOf } from '../set-members.js'
import {
  follow,
  type Led,
  lead,
  leaderInRows,
  memberOf,
  type PlannedMember,
  repoint,
  watchLinks,
} from './hand-over.js'
import { isHeard, type PromotePlan } from './plan.js'

/**
 * What became of the old source: `quiet`, it follows and its last offset is known; `fenced`; `serves`, it leads on;
 * `past`, the new source leads already, so it was quiet before.
 */
type OldSource =
  | { readonly is: 'quiet'; readonly observation: Observation; readonly writesFrozen: boolean }
  | { readonly is: 'fenced' }
  | { readonly is: 'serves' }
  | { readonly is: 'past' }

/** Steps 5 to 9 of a promote; goes on from wherever an earlier run ended. */
export async function commitPromote(plan: PromotePlan, context: WorkflowContext): Promise<Outcome> {
  const rows = context.resumed ? await membersOf(context) : null
  const chosen = rows?.source?.instance.id ?? plan.candidate.id
  if (chosen === plan.oldSource.id) return leadBack(plan, context)
  const target = memberOf(plan, chosen)
  // Out of the set means fenced, and that this leader was chosen after that.
  if (rows?.replicas.every(({ instance }) => instance.id !== plan.oldSource.id))
    return leadOn(plan, target, survivors(plan), context)
  const old = await quieten(plan, target, context)
  if (old.is === 'serves') return keepOldSource(plan, context)
  if (old.is === 'fenced') return leadWithout(plan, target, context)
  if (old.is === 'quiet' && !(await holdsEverything(plan, target, old, context))) {
    await context.change(await standDown(target, plan.oldSource, context))
    return leadBack(plan, context)
  }
  return leadOn(plan, target, plan.members, context)
}

/** Step 5: from here no member takes writes until one is told to lead. */
async function quieten(
  plan: PromotePlan,
  target: PlannedMember,
  context: WorkflowContext,
): Promise<OldSource> {
  const { oldSource } = plan
  try {
    const answer = await context.step('demote the old source', () =>
      follow(oldSource.id, target.endpoint, context),
    )
    return { is: 'quiet', ...answer }
  } catch (error) {
    if (!isGuestsFault(error)) throw error
    context.log.warn({ instanceId: oldSource.id, reason: error.message }, 'old source does not answer')
  }
  if (context.resumed && leads(await lookAt(target.id, context), context)) return { is: 'past' }
  if (target.id === plan.candidate.id && (await isHeard(plan, context))) return { is: 'serves' }
  await context.step('fence the old source', () => context.compute.fence(oldSource.id))
  return { is: 'fenced' }
}

/** It leads by this operation's word, so whoever led before was quiet by then. */
function leads(seen: Observation | null, { operation }: WorkflowContext): boolean {
  return seen?.role === 'source' && seen.accepted?.role === 'source' && seen.accepted.epoch >= operation.epoch
}

/** Step 6: nothing was written after the comparison, or a new comparison says that nothing is missing. */
async function holdsEverything(
  plan: PromotePlan,
  target: PlannedMember,
  old: { readonly observation: Observation; readonly writesFrozen: boolean },
  context: WorkflowContext,
): Promise<boolean> {
  if (old.writesFrozen || target.id !== plan.candidate.id) return true
  const seen = await lookHardAt(target.id, context, context.timings.patienceMs)
  return leads(seen, context) || (seen !== null && hasAllOf(seen, old.observation))
}

/**
 * One that is not to lead hears so under this run's token, or is fenced: no older run can make it lead any more. Answers with the
 * rows that say that `source` leads.
 */
async function standDown(
  target: PlannedMember,
  source: PlannedMember,
  context: WorkflowContext,
): Promise<{ instances: NonNullable<Changes['instances']> }> {
  const roles = { [target.id]: { role: 'replica' as const }, [source.id]: { role: 'source' as const } }
  try {
    await context.step('lead the candidate back', () => follow(target.id, source.endpoint, context))
    return { instances: roles }
  } catch (error) {
    if (!isGuestsFault(error)) throw error
  }
  await context.step('fence the candidate', () => context.compute.fence(target.id))
  const fault = faultOf(`It did not answer during a promote and was fenced. ${RESTART}`, context)
  return { instances: { ...roles, [target.id]: { role: 'replica', fault } } }
}

const RESTART = 'Restart it to bring it back as a replica.'

async function leadBack(plan: PromotePlan, context: WorkflowContext): Promise<Outcome> {
  const outcome = await leadOn(plan, plan.oldSource, plan.members, context)
  if (outcome.result?.sourceId !== plan.oldSource.id) return outcome
  const fault =
    'The write pause expired and the source accepted writes that the replica has not received. The promote was cancelled; no data was lost. Try again.'
  return { ...outcome, state: 'rolled_back', fault }
}

/** Its agent is away, it is not: nothing has changed hands. */
async function keepOldSource(plan: PromotePlan, context: WorkflowContext): Promise<Outcome> {
  const changes = await standDown(plan.candidate, plan.oldSource, context)
  const fault = `The agent of the source ${plan.oldSource.id} stopped answering while its replicas still hear it, so that source goes on leading. Try again when its agent reports.`
  return { state: 'rolled_back', fault, changes }
}

/** The old source is fenced: whoever holds most leads, the candidate if it does, and the old one goes to a set of its own. */
async function leadWithout(
  plan: PromotePlan,
  target: PlannedMember,
  context: WorkflowContext,
): Promise<Outcome> {
  const others = survivors(plan).filter(({ id }) => id !== target.id)
  const best = memberOf(plan, (await mostOf([target, ...others], [], plan, context)) ?? target.id)
  const roles = best.id === target.id ? null : await standDown(target, best, context)
  const set = await context.store.sets.find(context.operation.setId)
  const gone = ejectedInto(plan.ownSetId, plan.oldSource.id, set, context)
  await context.change({ ...gone, instances: { ...roles?.instances, ...gone.instances } })
  return leadOn(plan, best, survivors(plan), context)
}

async function leadOn(
  plan: PromotePlan,
  leader: PlannedMember,
  members: readonly PlannedMember[],
  context: WorkflowContext,
): Promise<Outcome> {
  const next = (lost: readonly InstanceId[]) => mostOf(members, lost, plan, context)
  const led = await lead(leader.id, { members, next }, context)
  context.recordNow()
  return finish(plan, led, members, context)
}

function survivors(plan: PromotePlan): readonly PlannedMember[] {
  return plan.members.filter(({ id }) => id !== plan.oldSource.id)
}

/** Who holds most of what the set had when writes were held back; nobody with less than that. */
async function mostOf(
  members: readonly PlannedMember[],
  lost: readonly InstanceId[],
  plan: PromotePlan,
  context: WorkflowContext,
): Promise<InstanceId | null> {
  const left = members.filter(({ id }) => !lost.includes(id))
  const seen = await Promise.all(
    left.map(async ({ id }) => ({
      id,
      observation: await lookHardAt(id, context, context.timings.patienceMs / 2),
    })),
  )
  const samples = seen.flatMap(({ id, observation }) => (observation ? [{ id, observation }] : []))
  const best = furthest(samples, plan.replicationId)
  return best !== null && (best.observation.offset ?? 0) >= plan.offset ? best.id : null
}

/** Everybody else follows; the rows say so already. */
async function finish(
  plan: PromotePlan,
  { leader, lost }: Led,
  members: readonly PlannedMember[],
  context: WorkflowContext,
): Promise<Outcome> {
  const followers = members.map(({ id }) => id).filter((id) => id !== leader.id && !lost.includes(id))
  const missed = await repoint(followers, leader, context)
  const told = followers.filter((id) => !missed.includes(id))
  await watchLinks(told, leader, context)
  const asAsked = leader.id === plan.candidate.id
  const summary = `Instance ${leader.id} is the source; ${told.length} of ${followers.length} replicas follow it.`
  return {
    state: asAsked ? 'done' : 'failed',
    result: { summary, sourceId: leader.id, leftBehind: missed, fenced: lost },
    ...(asAsked
      ? {}
      : { fault: `Instance ${plan.candidate.id} could not lead; instance ${leader.id} does.` }),
  }
}

/**
 * The old source neither answered nor could be fenced, and the candidate was not told to lead: the rows go back, so that the old
 * source leads on if it still lives. Else they stay, and whoever differs from them gets the fault.
 */
export async function giveUpPromote(
  plan: PromotePlan,
  context: WorkflowContext,
  why: RedtroveError,
): Promise<Outcome> {
  const leader = await leaderInRows(context)
  if (leader === plan.candidate.id && !(await isQuiet(plan, context))) {
    const candidate = await lookAt(plan.candidate.id, context)
    if (candidate?.role === 'replica') {
      const back: Changes = {
        instances: { [plan.candidate.id]: { role: 'replica' }, [plan.oldSource.id]: { role: 'source' } },
      }
      return faultMismatched(context, why, back)
    }
  }
  return faultMismatched(context, why)
}

async function isQuiet(plan: PromotePlan, context: WorkflowContext): Promise<boolean> {
  const seen = await lookAt(plan.oldSource.id, context)
  if (seen?.role === 'replica') return true
  const state = await context.compute.inspect(plan.oldSource.id).catch(() => null)
  return state?.state === 'fenced' || state?.state === 'absent'
}
