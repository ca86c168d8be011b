import { RedtroveError } from '../../../common/errors.js'
import type { InstanceFacts } from '../../../store/store.js'
import type { components } from '../../../wire/http/openapi.js'
import { type ApiContext, type Caller, reachOf } from '../../context.js'
import { detachReplica } from './actions/detach-replica.js'
import { refuseAccess } from './refuse-unenforced.js'

/** The body of PUT and PATCH together. */
export interface InstanceUpdate {
  readonly name?: string
  readonly replica_of?: unknown
  readonly slave_of?: unknown
  readonly configuration?: string | null
  readonly datastore_version?: string
  readonly access?: components['schemas']['WantedAccess'] | null
}

/**
 * What PUT and PATCH do. At most one key besides `name`. `replica_of` or `slave_of`, present with any value, detaches. An empty
 * object detaches the configuration group in Trove; there is none to detach here, so it succeeds.
 */
export async function updateInstance(
  id: string,
  update: InstanceUpdate,
  caller: Caller,
  context: ApiContext,
): Promise<string | undefined> {
  const facts = await context.store.instances.find(reachOf(caller), id)
  const others = Object.keys(update).filter((key) => key !== 'name')
  if (others.length > 1)
    throw new RedtroveError('bad_request', `Only one of ${others.join(', ')} can be changed at a time.`)
  const operationId = await changeOther(facts, others[0], update, caller, context)
  if (update.name !== undefined) await context.store.instances.rename(id, update.name)
  return operationId
}

async function changeOther(
  facts: InstanceFacts,
  key: string | undefined,
  update: InstanceUpdate,
  caller: Caller,
  context: ApiContext,
): Promise<string | undefined> {
  if (key === 'replica_of' || key === 'slave_of') return detachReplica(facts, caller, context)
  if (key === 'datastore_version')
    throw new RedtroveError('not_implemented', 'Upgrading in place is not offered yet.')
  if (key === 'configuration' && update.configuration) {
    throw new RedtroveError(
      'not_found',
      `Configuration ${update.configuration} cannot be found; configuration groups are not offered yet.`,
    )
  }
  if (key === 'access') refuseAccess(update.access)
  return undefined
}
