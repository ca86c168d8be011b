import type { GuestRecords, SwarmRecord } from './records/guest-records.js'
import type { GuestSecrets } from './records/guest-secrets.js'
import { type FoundService, isAsWanted, ownerOf } from './services/found-service.js'
import type { MountedSecret } from './services/guest-service.js'
import type { GuestServices } from './services/guest-services.js'
import { SWEEP } from './volumes/sweep-volume.js'

/** What should be of a guest, and what is. */
export interface Overview {
  readonly record: SwarmRecord | null
  readonly service: FoundService | null
}

/** Everything that managers have of every guest, by id, in three questions. */
export async function overviewOf(parts: {
  readonly records: GuestRecords
  readonly services: GuestServices
  readonly secrets: GuestSecrets
}): Promise<ReadonlyMap<string, Overview>> {
  const [recorded, served, owners] = await Promise.all([
    parts.records.all(),
    parts.services.all(),
    parts.secrets.owners(),
  ])
  const known = new Map<string, Overview>(owners.map((id) => [id, { record: null, service: null }]))
  for (const service of served) {
    const id = ownerOf(service)
    const isSweep = service.Spec.Name.endsWith(SWEEP)
    known.set(id, { record: null, service: isSweep ? (known.get(id)?.service ?? null) : service })
  }
  for (const record of recorded) {
    const id = record.facts.instanceId
    known.set(id, { record, service: known.get(id)?.service ?? null })
  }
  return known
}

/**
 * Ids of guests that are not as they should be: nobody's, with a removal that is `left` by who began it, or with a service that does something
 * else.
 */
export function wrongIn(
  seen: ReadonlyMap<string, Overview>,
  broker: readonly MountedSecret[],
  left: ReadonlySet<string>,
): readonly string[] {
  return [...seen].flatMap(([id, overview]) => (isRight(overview, broker, left.has(id)) ? [] : [id]))
}

function isRight({ record, service }: Overview, broker: readonly MountedSecret[], isLeft: boolean): boolean {
  if (record === null) return false
  if (record.desired === 'removed') return !isLeft
  return service !== null && isAsWanted(service, record, broker)
}
