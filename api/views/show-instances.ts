import type { InstanceFacts } from '../../common/db/store.js'
import type { ApiContext, Caller } from '../context.js'
import type { Viewing } from './instance.js'

/** Gathers what an answer about these instances needs, in two queries whatever their number. */
export async function viewingOf(
  facts: readonly InstanceFacts[],
  caller: Caller,
  context: ApiContext,
): Promise<Viewing> {
  const known = new Map(facts.map((one) => [one.instance.id, one]))
  const absent = facts.flatMap(({ sourceId }) =>
    sourceId !== null && !known.has(sourceId) ? [sourceId] : [],
  )
  const [versions, sources] = await Promise.all([
    context.store.catalog.datastoreVersions(),
    absent.length > 0 ? context.store.instances.findMany([...new Set(absent)]) : [],
  ])
  for (const source of sources) known.set(source.instance.id, source)
  return {
    caller,
    versions,
    sources: known,
    nowMs: context.clock.now(),
    reportAgeMsMax: context.settings.REDTROVE_HEARTBEAT_AGE_MS_MAX,
  }
}
