import { generatePassword } from '../../../common/secrets/password.js'
import type { Handler } from '../../http/route.js'
import { setPassword } from './set-password.js'

/** Sets or rotates the application password; members that could not be reached get it when they return. */
export const enableRoot: Handler<'enableRoot'> = async ({ params, body }, caller, context) => {
  const password = body?.password ?? generatePassword()
  const { id, result } = await setPassword(params.instance_id, { password, disable: false }, caller, context)
  const late = result?.unreachable
  return {
    status: 200,
    body: { user: { name: '-', password }, failed_slaves: Array.isArray(late) ? late.map(String) : [] },
    operationId: id,
  }
}
