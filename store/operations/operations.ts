import { RedtroveError } from '../../common/errors.js'
import type { OperationKind } from '../../domain/operation/kinds/index.js'
import { OPEN_STATES, type Operation } from '../../domain/operation/operation.js'
import type { Database } from '../connect.js'
import type { DatabaseNow } from '../database-clock.js'
import { type OperationRow, operationFromRow, type StepRow, stepFromRow } from '../rows.js'
import type { Lease, NewOperation, OperationStore } from '../store.js'
import { guarded, type Transaction, writeTransaction } from '../transaction.js'
import { applyChanges } from './apply-changes.js'
import { openOperation } from './open.js'

/** Steps are numbered within an attempt; no attempt has so many. */
const STEPS_AN_ATTEMPT = 1_000
/** Comes after a marker in the order of lists, and as one comparison it can go by the index. */
const AFTER =
  '(created_at_ms, id) < (select m.created_at_ms, m.id from operations m where m.id = ? and m.project_id = ?)'
const RUNNING_STATES = ['preparing', 'committing'] as const

/** Operations, their leases and their step records. */
export function operationStore(db: Database, now: DatabaseNow): OperationStore {
  const find = async (projectId: string | null, id: string) => {
    const [operation] = await guarded(() =>
      operationsWhere(db, now, (query) => {
        query.where({ id })
        return projectId === null ? query : query.where({ project_id: projectId })
      }),
    )
    if (!operation) throw new RedtroveError('not_found', `Operation ${id} cannot be found.`)
    return operation
  }
  return {
    open: async <K extends OperationKind>(wanted: NewOperation<K>) => {
      const id = await openOperation(db, now, wanted)
      // `open` inserted it with this kind.
      return (await find(null, id)) as Operation<K>
    },
    find,
    list: (projectId, page) =>
      guarded(() =>
        operationsWhere(db, now, (query) => {
          query
            .where({ project_id: projectId })
            .orderBy([
              { column: 'created_at_ms', order: 'desc' },
              { column: 'id', order: 'desc' },
            ])
            .limit(page.limit + 1)
          if (page.marker !== undefined) query.whereRaw(AFTER, [page.marker, projectId])
          if (page.instanceId !== undefined) {
            query.whereIn(
              'id',
              db('operation_members').where({ instance_id: page.instanceId }).select('operation_id'),
            )
          }
          return query
        }),
      ),
    steps: async (id) => {
      const rows: StepRow[] = await guarded(() =>
        db('operation_steps').where({ operation_id: id }).orderBy('seq'),
      )
      return rows.map(stepFromRow)
    },
    listOpen: () =>
      guarded(() =>
        operationsWhere(db, now, (query) =>
          query.whereIn('state', [...OPEN_STATES]).orderBy('created_at_ms'),
        ),
      ),
    ...leases(db, now, find),
    ...steps(db),
    requestCancel: async (id) => {
      await guarded(() =>
        db('operations')
          .where({ id })
          .whereIn('state', ['pending', 'preparing'])
          .update({ cancel_requested: true }),
      )
    },
  }
}

type LeaseCalls = Pick<OperationStore, 'takeLease' | 'renew' | 'savePlan' | 'change' | 'close'>

function leases(db: Database, now: DatabaseNow, find: OperationStore['find']): LeaseCalls {
  return {
    takeLease: async (id, owner, expected) => {
      const taken = await writeTransaction(db, (trx) =>
        trx('operations')
          .where({ id, attempt: expected.attempt, lease_beat: expected.leaseBeat })
          .whereIn('state', [...OPEN_STATES])
          .update({
            lease_owner: owner,
            attempt: expected.attempt + 1,
            lease_beat: 0,
            state: trx.raw("case when state = 'pending' then 'preparing' else state end"),
            started_at_ms: trx.raw('coalesce(started_at_ms, ?)', [now(trx)]),
          }),
      )
      return taken === 1 ? find(null, id) : null
    },
    renew: async (lease) => {
      const renewed = await guarded(() => held(db, lease).increment('lease_beat', 1))
      if (renewed !== 1) throw lost(lease)
      const row: Pick<OperationRow, 'cancel_requested'> | undefined = await guarded(() =>
        db('operations').where({ id: lease.operationId }).first('cancel_requested'),
      )
      return { cancelRequested: Boolean(row?.cancel_requested) }
    },
    savePlan: (lease, plan, changes) =>
      writeTransaction(db, async (trx) => {
        await requireLease(trx, lease, { plan: JSON.stringify(plan), state: 'committing' })
        await applyChanges(trx, changes, now)
      }),
    change: (lease, changes) =>
      writeTransaction(db, async (trx) => {
        await requireLease(trx, lease, {})
        await applyChanges(trx, changes, now)
      }),
    close: (lease, state, { result, fault, changes }) =>
      writeTransaction(db, async (trx) => {
        await requireLease(trx, lease, {
          state,
          result: result === undefined ? null : JSON.stringify(result),
          fault: fault ?? null,
          ended_at_ms: now(trx),
        })
        await applyChanges(trx, changes, now)
        await trx('instances').where({ operation_id: lease.operationId }).update({ operation_id: null })
      }),
  }
}

function steps(db: Database): Pick<OperationStore, 'saveSteps'> {
  return {
    saveSteps: (lease, entries) =>
      writeTransaction(db, async (trx) => {
        await requireLease(trx, lease, {})
        const rows = entries.map((entry) => ({
          operation_id: lease.operationId,
          seq: lease.attempt * STEPS_AN_ATTEMPT + entry.seq,
          name: entry.name,
          state: entry.state,
          attempt: lease.attempt,
          started_at_ms: entry.startedAtMs,
          ended_at_ms: entry.endedAtMs,
          detail: entry.detail,
        }))
        await trx('operation_steps').insert(rows).onConflict(['operation_id', 'seq']).merge()
      }),
  }
}

function held(db: Database | Transaction, lease: Lease) {
  return db('operations')
    .where({ id: lease.operationId, lease_owner: lease.owner, attempt: lease.attempt })
    .whereIn('state', [...RUNNING_STATES])
}

/** Writes `columns` and proves in the same statement that the lease still holds; on PostgreSQL it also locks the row. */
async function requireLease(trx: Transaction, lease: Lease, columns: Record<string, unknown>): Promise<void> {
  const changed = await held(trx, lease).update({ attempt: lease.attempt, ...columns })
  if (changed !== 1) throw lost(lease)
}

function lost(lease: Lease): RedtroveError {
  return new RedtroveError(
    'lease_lost',
    `Operation ${lease.operationId} is not ours any more (attempt ${lease.attempt}).`,
  )
}

async function operationsWhere(
  db: Database,
  now: DatabaseNow,
  narrow: (query: ReturnType<Database['queryBuilder']>) => ReturnType<Database['queryBuilder']>,
): Promise<readonly Operation[]> {
  const rows: (OperationRow & { now_ms: number })[] = await narrow(
    db('operations').select('operations.*', { now_ms: now(db) }),
  )
  const members: { operation_id: string; instance_id: string }[] = await db('operation_members')
    .whereIn(
      'operation_id',
      rows.map((row) => row.id),
    )
    .orderBy('instance_id')
  return rows.map((row) =>
    operationFromRow(
      row,
      members.filter((member) => member.operation_id === row.id).map((member) => member.instance_id),
    ),
  )
}
