import { RedtroveError } from '../../../common/errors.js'
import type { Settings } from '../../../common/settings/settings.js'
import type { components } from '../../../wire/http/openapi.js'
import type { InstanceCreate } from './create-request.js'

type WantedAccess = components['schemas']['WantedAccess']

/** The one region there is, as every answer calls it. */
export const REGION = 'RegionOne'

/**
 * Refuses, with `bad_request`, what a create asks for and nothing here would enforce (ADR 17). What asks for nothing (null, empty, `false`)
 * passes: clients send it unasked.
 */
export function refuseUnenforced(
  wanted: InstanceCreate,
  { REDTROVE_COMPUTE: compute }: Pick<Settings, 'REDTROVE_COMPUTE'>,
): void {
  refuseAccess(wanted.access)
  const { region_name: region, volume, nics, availability_zone: zone } = wanted
  if (volume?.type)
    throw bad(
      'Volume types are not offered: every volume is where the provider keeps its instances. Leave the volume type out.',
    )
  if (nics?.some((nic) => Object.keys(nic).length > 0))
    throw bad(
      'A network, subnet or address cannot be chosen: the provider gives each instance its own. Leave the nics out.',
    )
  if (region && region !== REGION)
    throw bad(`There is one region, ${REGION}; leave the region out or name that one.`)
  if (zone && compute !== 'swarm')
    throw bad(
      `The provider ${compute} has no availability zones; leave the zone out. With swarm it is the label redtrove.zone of a node.`,
    )
}

/** The same for the `access` object, of a create or of an update. */
export function refuseAccess(access: WantedAccess | null | undefined): void {
  if (access?.is_public)
    throw bad(
      'Public access is not offered: an instance has an address in its provider’s network alone. Leave is_public out, and let clients connect from there.',
    )
  if ((access?.allowed_cidrs?.length ?? 0) > 0)
    throw bad(
      'Allowed address ranges are not offered, since nothing here would enforce them. Leave allowed_cidrs out, and set a firewall in front of the instance; a password is always asked for.',
    )
}

function bad(message: string): RedtroveError {
  return new RedtroveError('bad_request', message)
}
