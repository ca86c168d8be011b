import type { ApiContext, Caller } from '../context.js'
import type { Viewing } from './instance.js'

/** Gathers what an answer about instances needs besides them. */
export async function viewingOf(caller: Caller, context: ApiContext): Promise<Viewing> {
  return {
    caller,
    versions: await context.store.catalog.datastoreVersions(),
    reportAgeMsMax: context.settings.REDTROVE_HEARTBEAT_AGE_MS_MAX,
  }
}
