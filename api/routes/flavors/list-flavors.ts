import { FLAVORS } from '../../../domain/instance/flavor.js'
import type { Handler } from '../../http/route.js'
import { flavorView } from '../../views/flavor.js'

/** All flavors. */
export const listFlavors: Handler<'listFlavors'> = async (_request, caller) => ({
  status: 200,
  body: { flavors: FLAVORS.map((flavor) => flavorView(flavor, caller)) },
})
