import { RedtroveError } from '../../../common/errors.js'
import { called } from '../../../domain/instance/called.js'
import type { Instance } from '../../../domain/instance/instance.js'
import { OPERATION_DEADLINE_MS } from '../../../domain/operation/deadlines.js'
import type { Operation, OperationKind, OperationRequests } from '../../../domain/operation/operation.js'
import { members, type Topology } from '../../../domain/replication/topology.js'
import type { InstanceFacts } from '../../../store/store.js'
import type { ApiContext, Caller } from '../../context.js'

/** An operation on an instance that exists. */
export interface OpenOnSet<K extends OperationKind> {
  readonly kind: K
  readonly subject: InstanceFacts
  readonly request: OperationRequests[K]
  /** The whole set, or the subject alone. */
  readonly hold: 'set' | 'subject'
  /** Refuses with the set as it is inside the claiming transaction. */
  readonly check?: (facts: readonly InstanceFacts[], topology: Topology) => void
}

/** Opens an operation on an instance or its whole set and rings for it. Fails with `unprocessable` when a member is held. */
export async function openOnSet<K extends OperationKind>(
  wanted: OpenOnSet<K>,
  caller: Caller,
  context: ApiContext,
): Promise<Operation<K>> {
  const { kind, subject, request, hold, check } = wanted
  const { id, setId, projectId } = subject.instance
  const set = hold === 'set' ? await context.store.instances.membersOf(setId) : [subject]
  const operation = await context.store.operations.open({
    kind,
    projectId,
    instanceId: id,
    setId,
    memberIds: set.map(({ instance }) => instance.id),
    request,
    requestId: caller.requestId,
    deadlineMs: OPERATION_DEADLINE_MS[kind],
    check: (facts, topology) => {
      requireStillThere(facts, subject.instance)
      if (hold === 'set') requireWhole(facts, topology)
      check?.(facts, topology)
    },
  })
  context.log.info(
    { operationId: operation.id, instanceId: id, requestId: caller.requestId, kind },
    'operation accepted',
  )
  context.ring(operation.id)
  return operation
}

function requireStillThere(facts: readonly InstanceFacts[], subject: Instance): void {
  const found = facts.find(({ instance }) => instance.id === subject.id)
  if (!found) throw new RedtroveError('not_found', `Instance ${called(subject)} cannot be found.`)
  if (found.instance.setId !== subject.setId) throw changed()
}

/** A member may have come or gone between the look and the claim. */
function requireWhole(facts: readonly InstanceFacts[], topology: Topology): void {
  const held = new Set(facts.map(({ instance }) => instance.id))
  if (members(topology).some((id) => !held.has(id))) throw changed()
}

function changed(): RedtroveError {
  return new RedtroveError(
    'unprocessable',
    'The replication set changed at the same moment. Look again and retry.',
  )
}
