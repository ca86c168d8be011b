import { RedtroveError } from '../../../../common/errors.js'
import { called } from '../../../../domain/instance/called.js'
import type { InstanceFacts } from '../../../../store/store.js'
import type { ApiContext, Caller } from '../../../context.js'
import { openOnSet } from '../open-on-set.js'

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
  const { id } = subject.instance
  const operation = await openOnSet(
    {
      kind: 'restart_instance',
      subject,
      request: acceptOlderData ? { acceptOlderData } : {},
      hold: 'subject',
      check: (_facts, topology) => {
        if (acceptOlderData && topology.source === id && topology.replicas.length > 0)
          throw haveIt(called(subject.instance))
      },
    },
    caller,
    context,
  )
  return operation.id
}

function haveIt(who: string): RedtroveError {
  return new RedtroveError(
    'unprocessable',
    `Instance ${who} has replicas, which would copy its older data. They hold the newer ones: eject it.`,
  )
}
