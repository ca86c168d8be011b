import { randomUUID } from 'node:crypto'
import type { Knex } from 'knex'
import { RedtroveError } from '../../common/errors.js'
import { called } from '../../domain/instance/called.js'
import type { OperationKind } from '../../domain/operation/operation.js'
import { type Database, isSqlite } from '../connect.js'
import type { DatabaseNow } from '../database-clock.js'
import { instanceFacts } from '../instances/instance-facts.js'
import { countLiving } from '../instances/instances.js'
import { topologyOf } from '../sets.js'
import type { NewInstance, NewOperation } from '../store.js'
import { type Transaction, writeTransaction } from '../transaction.js'

/**
 * The claim: one transaction that inserts what is new, checks against the rows as they are then, takes every member and raises
 * the epoch. All of it or nothing. Answers with the operation's id.
 */
export async function openOperation<K extends OperationKind>(
  db: Database,
  now: DatabaseNow,
  wanted: NewOperation<K>,
): Promise<string> {
  return writeTransaction(db, async (trx) => {
    await insertNew(trx, now, wanted)
    await lockMembers(trx, wanted.memberIds)
    await refuseWhatIsHeld(trx, wanted.memberIds)
    wanted.check?.(
      await instanceFacts(trx, now, (query) => query.whereIn('i.id', [...wanted.memberIds]).orderBy('i.id')),
      await topologyOf(trx, wanted.setId),
    )
    const id = randomUUID()
    const epoch = await raiseEpoch(trx, wanted)
    await insertOperation(trx, now, wanted, id, epoch)
    await claim(trx, wanted.memberIds, id)
    return id
  })
}

async function insertNew(
  trx: Transaction,
  now: DatabaseNow,
  wanted: NewOperation<OperationKind>,
): Promise<void> {
  const fresh = wanted.newInstances ?? []
  if (fresh.length > 0 && wanted.instanceQuota !== undefined && wanted.instanceQuota >= 0) {
    // Two creates at once must not both see room: on PostgreSQL a lock of the project's own, on SQLite the writer is alone.
    if (!isSqlite(trx))
      await trx.raw('select pg_advisory_xact_lock(hashtext(?))', [`quota:${wanted.projectId}`])
    const living = await countLiving(trx, wanted.projectId)
    if (living + fresh.length > wanted.instanceQuota) {
      const words = `${living} of ${wanted.instanceQuota} instances are in use and ${fresh.length} more were asked for`
      throw new RedtroveError('over_quota', `Quota exceeded for resources: instances (${words}).`)
    }
  }
  if (wanted.newSet) {
    const { id, projectId, sealedCredentials } = wanted.newSet
    await trx('replication_sets').insert({
      id,
      project_id: projectId,
      epoch: 0,
      sealed_credentials: sealedCredentials,
    })
  }
  if (fresh.length > 0)
    await trx('instances').insert(fresh.map((instance) => instanceColumns(instance, now(trx))))
}

function instanceColumns(instance: NewInstance, now: Knex.Raw): Record<string, unknown> {
  return {
    id: instance.id,
    project_id: instance.projectId,
    name: instance.name,
    set_id: instance.setId,
    role: instance.role,
    flavor_id: instance.flavorId,
    volume_gb: instance.volumeGb,
    datastore_version_id: instance.datastoreVersionId,
    availability_zone: instance.availabilityZone,
    locality: instance.locality,
    created_at_ms: now,
    updated_at_ms: now,
  }
}

/** In id order, so that two claims of one set wait for each other instead of deadlocking. SQLite has one writer anyway. */
async function lockMembers(trx: Transaction, ids: readonly string[]): Promise<void> {
  if (isSqlite(trx)) return
  await trx('instances')
    .whereIn('id', [...ids])
    .orderBy('id')
    .select('id')
    .forUpdate()
}

async function refuseWhatIsHeld(trx: Transaction, ids: readonly string[]): Promise<void> {
  const held: { id: string; name: string; operation_id: string; kind: string | null } | undefined = await trx(
    'instances as i',
  )
    .leftJoin('operations as op', 'op.id', 'i.operation_id')
    .whereIn('i.id', [...ids])
    .whereNotNull('i.operation_id')
    .orderBy('i.id')
    .first('i.id', 'i.name', 'i.operation_id', 'op.kind')
  if (held) throw busy(called(held), held.kind ?? 'operation', held.operation_id)
}

function busy(who: string, kind: string, operationId: string): RedtroveError {
  return new RedtroveError(
    'unprocessable',
    `Instance ${who} is busy: ${kind} (operation ${operationId}) holds it. Try again when it has ended.`,
  )
}

async function raiseEpoch(trx: Transaction, wanted: NewOperation<OperationKind>): Promise<number> {
  const seen: { epoch: number } | undefined = await trx('replication_sets')
    .where({ id: wanted.setId })
    .first('epoch')
  if (!seen) throw new RedtroveError('not_found', `Replication set ${wanted.setId} cannot be found.`)
  const raised = await trx('replication_sets')
    .where({ id: wanted.setId, epoch: seen.epoch })
    .update({ epoch: seen.epoch + 1 })
  if (raised !== 1)
    throw new RedtroveError(
      'unprocessable',
      'Another operation changed the replication set at the same moment. Try again.',
    )
  return seen.epoch + 1
}

async function insertOperation(
  trx: Transaction,
  now: DatabaseNow,
  wanted: NewOperation<OperationKind>,
  id: string,
  epoch: number,
): Promise<void> {
  await trx('operations').insert({
    id,
    kind: wanted.kind,
    project_id: wanted.projectId,
    state: 'pending',
    instance_id: wanted.instanceId,
    set_id: wanted.setId,
    epoch,
    request: JSON.stringify(wanted.request),
    request_id: wanted.requestId,
    attempt: 0,
    lease_beat: 0,
    deadline_ms: wanted.deadlineMs,
    cancel_requested: false,
    created_at_ms: now(trx),
  })
  await trx('operation_members').insert(
    wanted.memberIds.map((instanceId) => ({ operation_id: id, instance_id: instanceId })),
  )
}

async function claim(trx: Transaction, ids: readonly string[], operationId: string): Promise<void> {
  const claimed = await trx('instances')
    .whereIn('id', [...ids])
    .whereNull('operation_id')
    .whereNull('deleted_at_ms')
    .update({ operation_id: operationId })
  if (claimed !== new Set(ids).size) {
    throw new RedtroveError('unprocessable', 'An instance of the set is busy or gone. Look again and retry.')
  }
}
