import type { InstanceFacts } from '../../common/db/store.js'
import type { ApiContext, Caller } from '../context.js'
import { openOnSet } from '../open-on-set.js'

/** Restarts the server of an instance; also the way to try again with one that is in ERROR. Answers with the operation's id. */
export async function restart(subject: InstanceFacts, caller: Caller, context: ApiContext): Promise<string> {
  const operation = await openOnSet(
    { kind: 'restart_instance', subject, request: {}, hold: 'subject' },
    caller,
    context,
  )
  return operation.id
}
