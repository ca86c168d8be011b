import { RedtroveError } from '../../../common/errors.js'
import { waitUntil } from '../../../common/wait-until.js'
import { called } from '../../../domain/instance/called.js'
import { isOpen, type Operation } from '../../../domain/operation/operation.js'
import { sealPassword } from '../../../store/sealed-credentials.js'
import { type ApiContext, type Caller, reachOf } from '../../context.js'
import { openOnSubject } from '../instances/open-on-subject.js'

/** A client waits for the answer, so this is bounded; the operation goes on by itself. */
const WAIT_MS = 15_000

/** Sets the application password on the whole set and waits for the end. Fails with `bad_request` on a replica. */
export async function setPassword(
  instanceId: string,
  wanted: { readonly password: string; readonly disable: boolean },
  caller: Caller,
  context: ApiContext,
): Promise<Operation> {
  const subject = await context.store.instances.find(reachOf(caller), instanceId)
  if (subject.instance.role === 'replica') {
    throw new RedtroveError(
      'bad_request',
      `Instance ${called(subject.instance)} is a replica; the password is set on its source ${subject.sourceId ?? ''}.`,
    )
  }
  const request = {
    sealedPassword: sealPassword(context.keyRing, wanted.password),
    disable: wanted.disable,
  }
  const { id } = await openOnSubject('set_password', subject, request, caller, context)
  const ended = await waitUntil(
    `operation ${id} has ended`,
    () => context.store.operations.find(null, id),
    (operation) => !isOpen(operation),
    { timeoutMs: WAIT_MS, clock: context.clock, kind: 'unavailable', describe: ({ state }) => state },
  )
  if (ended.state !== 'done')
    throw new RedtroveError('unprocessable', `The password was not changed: ${ended.fault ?? ended.state}`)
  return ended
}
