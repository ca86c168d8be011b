import { randomUUID } from 'node:crypto'
import type { Knex } from 'knex'
import { RedtroveError } from '../../common/errors.js'
import { called } from '../../domain/instance/called.js'
import type { Instance } from '../../domain/instance/instance.js'
import type { Holds } from '../../domain/operation/define.js'
import { kindOf, type OperationKind } from '../../domain/operation/kinds/index.js'
import { type Database, isSqlite } from '../connect.js'
import type { DatabaseNow } from '../database-clock.js'
import { instanceFacts } from '../instances/instance-facts.js'
import { countLiving } from '../instances/instances.js'
import { topologyOf } from '../sets.js'
import type { InstanceFacts, NewInstance, NewOperation } from '../store.js'
import { type Transaction, writeTransaction } from '../transaction.js'

/**
 * One transaction that inserts what is new, reads what the operation's kind holds, checks against the rows as they are then, takes every member and
 * raises the epoch. All of it or nothing. The epoch was read first, so a member that comes or goes meanwhile refuses this. Answers with the
 * operation's id.
 */
export async function openOperation<K extends OperationKind>(
  db: Database,
  now: DatabaseNow,
  wanted: NewOperation<K>,
): Promise<string> {
  const kind = kindOf(wanted.kind)
  const request = kind.request.parse(wanted.request)
  return writeTransaction(db, async (trx) => {
    await insertNew(trx, now, wanted)
    const seenEpoch = await epochOf(trx, wanted.setId)
    const held = await heldBy(trx, kind.holds, wanted)
    await lockMembers(trx, held)
    await refuseWhatIsHeld(trx, held)
    const facts = await factsOf(trx, now, held.length > 0 ? held : [wanted.instanceId])
    const topology = await topologyOf(trx, wanted.setId)
    kind.check({ subject: requireSubject(facts, wanted), topology }, request)
    wanted.check?.(facts, topology)
    const id = randomUUID()
    const epoch = kind.holds === 'nothing' ? seenEpoch : await raiseEpoch(trx, wanted.setId, seenEpoch)
    await insertOperation(trx, now, wanted, { id, epoch, held })
    await claim(trx, held, id)
    return id
  })
}

/** Ids of what an operation takes for itself. */
async function heldBy(
  trx: Transaction,
  holds: Holds,
  wanted: NewOperation<OperationKind>,
): Promise<readonly string[]> {
  if (holds === 'nothing') return []
  const { instanceId, setId, newInstances = [] } = wanted
  const others =
    holds === 'set' ? await livingOf(trx, setId) : holds === 'named' ? (wanted.alsoHeld ?? []) : []
  return [...new Set([instanceId, ...others, ...newInstances.map(({ id }) => id)])]
}

async function livingOf(trx: Transaction, setId: string): Promise<readonly string[]> {
  const rows: { id: string }[] = await trx('instances')
    .where({ set_id: setId })
    .whereNull('deleted_at_ms')
    .select('id')
  return rows.map(({ id }) => id)
}

function factsOf(
  trx: Transaction,
  now: DatabaseNow,
  ids: readonly string[],
): Promise<readonly InstanceFacts[]> {
  return instanceFacts(trx, now, (query) => query.whereIn('i.id', [...ids]).orderBy('i.id'))
}

/** The subject's row. It may have gone, or have left its set, between the opener's look and this transaction. */
function requireSubject(
  facts: readonly InstanceFacts[],
  { instanceId, setId }: NewOperation<OperationKind>,
): Instance {
  const found = facts.find(({ instance }) => instance.id === instanceId)?.instance
  if (!found) throw new RedtroveError('not_found', `Instance ${instanceId} cannot be found.`)
  if (found.setId !== setId) throw changed()
  return found
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
    const { id, projectId, sealedCredentials, kind = 'replication', leadsBy = 'rows' } = wanted.newSet
    await trx('replication_sets').insert({
      id,
      project_id: projectId,
      kind,
      leads_by: leadsBy,
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

async function epochOf(trx: Transaction, setId: string): Promise<number> {
  const seen: { epoch: number } | undefined = await trx('replication_sets')
    .where({ id: setId })
    .first('epoch')
  if (!seen) throw new RedtroveError('not_found', `Replication set ${setId} cannot be found.`)
  return seen.epoch
}

async function raiseEpoch(trx: Transaction, setId: string, seen: number): Promise<number> {
  const raised = await trx('replication_sets')
    .where({ id: setId, epoch: seen })
    .update({ epoch: seen + 1 })
  if (raised !== 1) throw changed()
  return seen + 1
}

function changed(): RedtroveError {
  return new RedtroveError(
    'unprocessable',
    'The replication set changed at the same moment. Look again and retry.',
  )
}

async function insertOperation(
  trx: Transaction,
  now: DatabaseNow,
  wanted: NewOperation<OperationKind>,
  { id, epoch, held }: { readonly id: string; readonly epoch: number; readonly held: readonly string[] },
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
    asked_by: wanted.askedBy,
    attempt: 0,
    lease_beat: 0,
    deadline_ms: wanted.deadlineMs ?? kindOf(wanted.kind).deadlineMs,
    cancel_requested: false,
    created_at_ms: now(trx),
  })
  if (held.length === 0) return
  await trx('operation_members').insert(
    held.map((instanceId) => ({ operation_id: id, instance_id: instanceId })),
  )
}

async function claim(trx: Transaction, ids: readonly string[], operationId: string): Promise<void> {
  if (ids.length === 0) return
  const claimed = await trx('instances')
    .whereIn('id', [...ids])
    .whereNull('operation_id')
    .whereNull('deleted_at_ms')
    .update({ operation_id: operationId })
  if (claimed !== new Set(ids).size) {
    throw new RedtroveError('unprocessable', 'An instance of the set is busy or gone. Look again and retry.')
  }
}
