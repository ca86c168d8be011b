import type { RedtroveError } from '../../../common/errors.js'
import type { InstanceId } from '../../../domain/instance/instance.js'
import { driftOf } from '../../../domain/replication/drift.js'
import type { Changes, InstanceChange, InstanceFacts } from '../../../store/store.js'
import type { Outcome, WorkflowContext } from '../../engine/workflow.js'
import { lookAt } from '../../guests/guests.js'
import { faultOf } from './set-members.js'

const NEXT = 'Restart it to make it what it should be, or eject or delete it.'

/**
 * The end of an operation that cannot go on: the rows stay as they are once `changes` is applied, and a fault goes to exactly
 * those of its members that do not answer or differ from their rows; to the instance it was opened for when none does.
 */
export async function faultMismatched(
  context: WorkflowContext,
  why: RedtroveError,
  changes: Changes = {},
): Promise<Outcome> {
  const facts = await context.store.instances.findMany(context.operation.memberIds)
  const members = facts.map((one) => ({
    ...one,
    instance: { ...one.instance, ...changes.instances?.[one.instance.id] },
  }))
  const wrong = await Promise.all(members.map((one) => isWrong(one, members, context)))
  const concerned = members.filter((_, index) => wrong[index]).map(({ instance }) => instance.id)
  const ids = concerned.length > 0 ? concerned : [context.operation.instanceId]
  const fault = faultOf(`${why.message} ${NEXT}`, context)
  const faults = ids.map((id): [InstanceId, InstanceChange] => [id, { ...changes.instances?.[id], fault }])
  return {
    state: 'failed',
    fault: why.message,
    changes: { ...changes, instances: { ...changes.instances, ...Object.fromEntries(faults) } },
  }
}

async function isWrong(
  { instance }: Pick<InstanceFacts, 'instance'>,
  members: readonly Pick<InstanceFacts, 'instance'>[],
  context: WorkflowContext,
): Promise<boolean> {
  const seen = await lookAt(instance.id, context).catch(() => null)
  const source = members.find(
    (one) => one.instance.setId === instance.setId && one.instance.role === 'source',
  )
  const desired = { ...instance, source: source?.instance.endpoint ?? null }
  return seen === null || seen.service !== 'running' || driftOf(desired, seen).length > 0
}
