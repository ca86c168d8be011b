import { RedtroveError } from '../../common/errors.js'
import type { DatabaseNow } from '../database-clock.js'
import type { Changes, InstanceChange, SetChange } from '../store.js'
import { isUniqueViolation, type Transaction } from '../transaction.js'

/** Writes everything one commit of a workflow changes: new sets, then sets, then instances, then what that left empty. */
export async function applyChanges(
  trx: Transaction,
  changes: Changes | undefined,
  now: DatabaseNow,
): Promise<void> {
  if (!changes) return
  for (const set of changes.newSets ?? []) {
    // Repeatable: a commit that is carried out again brings the same set.
    await trx('replication_sets')
      .insert({
        id: set.id,
        project_id: set.projectId,
        kind: set.kind ?? 'replication',
        leads_by: set.leadsBy ?? 'rows',
        epoch: set.epoch,
        sealed_credentials: set.sealedCredentials,
        root_enabled_at_ms: set.rootEnabledAtMs,
      })
      .onConflict('id')
      .ignore()
  }
  for (const [id, change] of Object.entries(changes.sets ?? {})) {
    const columns = setColumns(change)
    if (Object.keys(columns).length > 0) await trx('replication_sets').where({ id }).update(columns)
  }
  // Roles are taken away before they are given, so that a set never shows two sources in between.
  const entries = Object.entries(changes.instances ?? {}).sort(
    ([, a], [, b]) => Number(a.role === 'source') - Number(b.role === 'source'),
  )
  for (const [id, change] of entries) await changeInstance(trx, id, change, now)
}

async function changeInstance(
  trx: Transaction,
  id: string,
  change: InstanceChange,
  now: DatabaseNow,
): Promise<void> {
  try {
    await trx('instances')
      .where({ id })
      .update({
        ...instanceColumns(change),
        ...(change.deleted ? { deleted_at_ms: now(trx), host: null, port: null } : {}),
        updated_at_ms: now(trx),
      })
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
    throw new RedtroveError(
      'conflict',
      `The address ${change.endpoint?.host ?? ''} is given to another instance.`,
    )
  }
  if (change.deleted) await trx('observations').where({ instance_id: id }).delete()
}

function setColumns(change: SetChange): Record<string, unknown> {
  return {
    ...(change.sealedCredentials === undefined ? {} : { sealed_credentials: change.sealedCredentials }),
    ...(change.rootEnabledAtMs === undefined ? {} : { root_enabled_at_ms: change.rootEnabledAtMs }),
  }
}

function instanceColumns(change: InstanceChange): Record<string, unknown> {
  const { role, setId, endpoint, fault } = change
  return {
    ...(role === undefined ? {} : { role }),
    ...(setId === undefined ? {} : { set_id: setId }),
    ...(endpoint === undefined ? {} : { host: endpoint?.host ?? null, port: endpoint?.port ?? null }),
    ...(fault === undefined
      ? {}
      : {
          fault_message: fault?.message ?? null,
          fault_created_at_ms: fault?.createdAtMs ?? null,
          fault_details: fault?.details ?? null,
        }),
  }
}
