import type { OperationKind, OperationRequests } from '../../../domain/operation/kinds/index.js'
import type { Operation } from '../../../domain/operation/operation.js'
import type { InstanceFacts } from '../../../store/store.js'
import { type ApiContext, askedBy, type Caller } from '../../context.js'

/** Opens an operation on an instance that exists. Fails with `unprocessable` when what it needs is held, or with what its kind refuses. */
export function openOnSubject<K extends OperationKind>(
  kind: K,
  subject: InstanceFacts,
  request: OperationRequests[K],
  caller: Caller,
  context: ApiContext,
): Promise<Operation<K>> {
  const { id: instanceId, setId, projectId } = subject.instance
  return context.openOperation({ kind, projectId, instanceId, setId, request, ...askedBy(caller) })
}
