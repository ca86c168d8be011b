import { RedtroveError } from '../../../common/errors.js'
import { flavorOf } from '../../../domain/instance/flavor.js'
import type { Handler } from '../../http/route.js'
import { flavorView } from '../../views/flavor.js'

/** One flavor by id. Clients ask for a name here first and rely on the 404. */
export const showFlavor: Handler<'showFlavor'> = async ({ params }, caller) => {
  const flavor = flavorOf(params.flavor_id)
  if (!flavor) throw new RedtroveError('not_found', `Flavor ${params.flavor_id} cannot be found.`)
  return { status: 200, body: { flavor: flavorView(flavor, caller) } }
}
