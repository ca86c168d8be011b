import { RedtroveError } from '../../../common/errors.js'
import { generatePassword } from '../../../common/secrets/password.js'
import { called } from '../../../domain/instance/called.js'
import { reachOf } from '../../context.js'
import type { Handler } from '../../http/route.js'
import { setPassword } from './set-password.js'

/** Sets a password that nobody is told. Fails with `not_found` when none was ever set by request. */
export const disableRoot: Handler<'disableRoot'> = async ({ params }, caller, context) => {
  const { instance } = await context.store.instances.find(reachOf(caller), params.instance_id)
  if (
    (await context.store.sets.find(instance.setId)).rootEnabledAtMs === null &&
    instance.role !== 'replica'
  ) {
    throw new RedtroveError('not_found', `Root was never enabled on instance ${called(instance)}.`)
  }
  const { id } = await setPassword(
    params.instance_id,
    { password: generatePassword(), disable: true },
    caller,
    context,
  )
  return { status: 204, body: undefined, operationId: id }
}
