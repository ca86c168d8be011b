import type { InstanceId } from '../../../../domain/instance/instance.js'
import type { ReplicationSet } from '../../../../domain/replication/set.js'
import type { Changes } from '../../../../store/store.js'
import type { WorkflowContext } from '../../../engine/workflow.js'

/**
 * Rows of a source that was fenced for good: a set of its own, where it may never lead, at an epoch above all that it has seen.
 * Its accounts stay the same, so that its data can be read once it is started again.
 */
export function ejectedInto(
  ownSetId: string,
  id: InstanceId,
  { projectId, sealedCredentials, rootEnabledAtMs }: ReplicationSet,
  { operation }: Pick<WorkflowContext, 'operation'>,
): Changes & { readonly instances: NonNullable<Changes['instances']> } {
  return {
    newSets: [{ id: ownSetId, projectId, sealedCredentials, rootEnabledAtMs, epoch: operation.epoch + 1 }],
    instances: { [id]: { setId: ownSetId, role: 'ejected', fault: null } },
  }
}
