import { RedtroveError } from '../../../common/errors.js'
import type { components } from '../../../wire/http/openapi.js'

/** The `instance` object of a create request, as openapi.yaml describes it. */
export type InstanceCreate = components['schemas']['InstanceCreate']

/** Parts of Trove's request that Redis here has no use for; refused rather than silently ignored. Empty ones are harmless. */
export function refuseUnsupported(wanted: InstanceCreate): void {
  if ((wanted.databases?.length ?? 0) > 0 || (wanted.users?.length ?? 0) > 0) {
    throw bad(
      'Databases and users cannot be created on Redis; the application password is in the answer of the create call.',
    )
  }
  if (wanted.restorePoint) throw bad('Restoring from a backup is not offered yet.')
  if ((wanted.modules?.length ?? 0) > 0) throw bad('Modules are not offered.')
  if (wanted.configuration) throw bad('Configuration groups are not offered yet.')
}

/** Last segment of a flavor's id or address, as text. */
export function flavorIdOf(flavorRef: string | number): string {
  return String(flavorRef).split('/').at(-1) ?? ''
}

/** Whole GB of the volume asked for; its size may be written as text. */
export function volumeGbOf({ volume }: InstanceCreate): number | undefined {
  return volume?.size === undefined ? undefined : Number(volume.size)
}

function bad(message: string): RedtroveError {
  return new RedtroveError('bad_request', message)
}
