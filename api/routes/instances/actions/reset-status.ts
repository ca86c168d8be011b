import { RedtroveError } from '../../../../common/errors.js'
import type { InstanceFacts } from '../../../../store/store.js'
import type { ApiContext, Caller } from '../../../context.js'

/**
 * Clears an instance's fault and asks an open operation to take back what it did. No operation can be left stuck here, so this
 * is never needed to free an instance; it is kept for Trove's clients. Admins, or owners who say `force_delete`.
 */
export async function resetStatus(
  subject: InstanceFacts,
  wanted: { readonly force_delete?: unknown },
  caller: Caller,
  context: ApiContext,
): Promise<undefined> {
  if (!caller.isAdmin && !('force_delete' in wanted)) {
    throw new RedtroveError(
      'forbidden',
      'Policy does not allow instance:reset_status to be performed; ask an admin.',
    )
  }
  await context.store.instances.clearFault(subject.instance.id)
  if (subject.operation) await context.store.operations.requestCancel(subject.operation.id)
  return undefined
}
