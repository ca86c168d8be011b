import { RedtroveError } from '../../../common/errors.js'
import type { Endpoint } from '../../../domain/instance/endpoint.js'
import type { Fault, InstanceId, MemberRole } from '../../../domain/instance/instance.js'
import type { Assignment } from '../../../domain/replication/assignment.js'
import type { InstanceFacts } from '../../../store/store.js'
import type { WorkflowContext } from '../../engine/workflow.js'

type Reading = Pick<WorkflowContext, 'store' | 'operation' | 'clock'>

/** The members of an operation's set with what is known of each. */
export interface SetMembers {
  readonly source: InstanceFacts | null
  readonly replicas: readonly InstanceFacts[]
}

/** The set as the rows have it now, source first. */
export async function membersOf({
  store,
  operation,
}: Pick<Reading, 'store' | 'operation'>): Promise<SetMembers> {
  const facts = await store.instances.membersOf(operation.setId)
  return {
    source: facts.find(({ instance }) => instance.role === 'source') ?? null,
    replicas: facts.filter(({ instance }) => instance.role === 'replica'),
  }
}

/** The set's source; fails with `unprocessable` when it has none. */
export function requireSource({ source }: SetMembers): InstanceFacts {
  if (source) return source
  throw new RedtroveError('unprocessable', 'The replication set has no source.')
}

/** An instance's address; fails with `unprocessable` when it never got one. */
export function endpointOf({ instance }: InstanceFacts): Endpoint {
  if (instance.endpoint) return instance.endpoint
  throw new RedtroveError('unprocessable', `Instance ${instance.id} has no address; restart or delete it.`)
}

/** What a member of the operation's set is told to be, at the operation's epoch. */
export async function assignmentFor(
  role: MemberRole,
  source: Endpoint | null,
  context: Pick<WorkflowContext, 'operation' | 'credentials'>,
): Promise<Assignment> {
  const { setId, epoch } = context.operation
  return { setId, epoch, role, source, credentials: await context.credentials() }
}

/** A fault as an instance's row keeps it. */
export function faultOf(message: string, { clock }: Pick<Reading, 'clock'>): Fault {
  return { message, createdAtMs: clock.now(), details: null }
}

/** The same fault on each of these. */
export function faultsOn(ids: readonly InstanceId[], message: string, context: Pick<Reading, 'clock'>) {
  return Object.fromEntries(ids.map((id) => [id, { fault: faultOf(message, context) }]))
}
