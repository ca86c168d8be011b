import { RedtroveError } from '../../common/errors.js'
import { called } from '../instance/called.js'
import type { Instance, InstanceId } from '../instance/instance.js'

/** One source and the replicas that follow it. Nobody follows a replica; `source` is null in an ejected instance's own set. */
export interface Topology {
  readonly source: InstanceId | null
  readonly replicas: readonly InstanceId[]
}

/** All members, source first. */
export function members(set: Topology): readonly InstanceId[] {
  return set.source === null ? set.replicas : [set.source, ...set.replicas]
}

/** The set as it will be once `candidate` leads it. Fails with `bad_request` if it is not a replica. */
export function promoted(set: Topology, candidate: InstanceId, words?: string): Topology {
  requireReplica(set, candidate, words)
  return { source: candidate, replicas: members(set).filter((id) => id !== candidate) }
}

/** The set without `replica`. Fails with `bad_request` if it is not a replica. */
export function detached(set: Topology, replica: InstanceId, words?: string): Topology {
  requireReplica(set, replica, words)
  return { ...set, replicas: set.replicas.filter((id) => id !== replica) }
}

/** The set after its source was fenced and `successor` leads. Fails with `bad_request` if it is not a replica. */
export function ejected(set: Topology, successor: InstanceId, words?: string): Topology {
  requireReplica(set, successor, words)
  return { source: successor, replicas: set.replicas.filter((id) => id !== successor) }
}

/** Fails with `unprocessable` when `instance` does not lead the set (any more). */
export function requireSource(set: Topology, instance: Pick<Instance, 'id' | 'name'>): void {
  if (set.source === instance.id) return
  throw new RedtroveError(
    'unprocessable',
    `Instance ${called(instance)} is not the source of its set any more.`,
  )
}

/** `words` are what the sentence calls the instance. */
function requireReplica(set: Topology, id: InstanceId, words: string = id): void {
  if (!set.replicas.includes(id))
    throw new RedtroveError('bad_request', `Instance ${words} is not a replica.`)
}
