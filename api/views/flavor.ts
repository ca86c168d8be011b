import type { Flavor } from '../../domain/instance/flavor.js'
import { dataMbOf } from '../../domain/instance/memory-budget.js'
import type { components } from '../../wire/http/openapi.js'
import type { Caller } from '../context.js'
import { linksOf } from './links.js'

/** A flavor; its `id` is a number when it reads like one, as Trove has it. */
export function flavorView(flavor: Flavor, caller: Caller): components['schemas']['Flavor'] {
  return {
    id: /^(0|[1-9]\d*)$/.test(flavor.id) ? Number(flavor.id) : null,
    str_id: flavor.id,
    name: flavor.name,
    ram: flavor.ramMb,
    data_mb: dataMbOf(flavor.ramMb),
    vcpus: flavor.vcpus,
    disk: flavor.diskGb,
    ephemeral: 0,
    links: linksOf(caller, 'flavors', flavor.id),
  }
}
