import type { InstanceFacts } from '../../../../store/store.js'
import type { ApiContext, Caller } from '../../../context.js'
import { openOnSubject } from '../open-on-subject.js'

/**
 * Restarts the server of an instance; also the way to try again with one that is in ERROR. Answers with the operation's id. With
 * `acceptOlderData` an older state may be put in place of data that cannot be loaded; never on a source whose replicas have them.
 */
export async function restart(
  subject: InstanceFacts,
  acceptOlderData: boolean,
  caller: Caller,
  context: ApiContext,
): Promise<string> {
  const request = acceptOlderData ? { acceptOlderData } : {}
  return (await openOnSubject('restart_instance', subject, request, caller, context)).id
}
