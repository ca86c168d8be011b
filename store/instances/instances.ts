import { RedtroveError } from '../../common/errors.js'
import type { Endpoint } from '../../domain/instance/endpoint.js'
import { SET_BACK_MS_MAX } from '../../domain/instance/silence.js'
import type { Database } from '../connect.js'
import type { DatabaseNow } from '../database-clock.js'
import { gathered } from '../gathered.js'
import type { InstanceStore } from '../store.js'
import { guarded, isUniqueViolation } from '../transaction.js'
import { instanceFacts } from './instance-facts.js'
import { instancePages, instancesByIds, type OneOf, type PageOf } from './instance-rounds.js'

/** Reads instances with their facts, and the few columns that change outside an operation. */
export function instanceStore(db: Database, now: DatabaseNow): InstanceStore {
  const changeOne = async (id: string, columns: Record<string, unknown>) => {
    const changed = await guarded(() =>
      db('instances')
        .where({ id })
        .whereNull('deleted_at_ms')
        .update({ ...columns, updated_at_ms: now(db) }),
    )
    if (changed !== 1) throw notFound(id)
  }
  const findOne = gathered((wanted: readonly OneOf[]) => guarded(() => instancesByIds(db, now, wanted)))
  const listOne = gathered((pages: readonly PageOf[]) => guarded(() => instancePages(db, now, pages)))
  return {
    find: async (projectId, id) => {
      const facts = await findOne({ projectId, id })
      if (!facts) throw notFound(id)
      return facts
    },
    findMany: (ids) =>
      guarded(() => instanceFacts(db, now, (query) => query.whereIn('i.id', [...ids]).orderBy('i.id'))),
    list: (projectId, page) => listOne({ projectId, ...page }),
    reportedWithin: (ageMs) =>
      guarded(() =>
        instanceFacts(db, now, (query) =>
          query.where('ob.received_at_ms', '>=', db.raw('? - ?', [now(db), ageMs])).orderBy('i.id'),
        ),
      ),
    silentFor: async (ageMs) => {
      const rows: { id: string }[] = await guarded(() =>
        db('instances as i')
          .leftJoin('observations as ob', 'ob.instance_id', 'i.id')
          .whereNull('i.deleted_at_ms')
          .whereNull('i.operation_id')
          .whereNotNull('i.host')
          .where((silent) =>
            silent
              .whereNull('ob.received_at_ms')
              .orWhere('ob.received_at_ms', '<', db.raw('? - ?', [now(db), ageMs]))
              .orWhere('ob.received_at_ms', '>', db.raw('? + ?', [now(db), SET_BACK_MS_MAX])),
          )
          .orderBy('i.id')
          .select('i.id as id'),
      )
      return rows.map(({ id }) => id)
    },
    membersOf: (setId) =>
      guarded(() =>
        instanceFacts(db, now, (query) =>
          query.where('i.set_id', setId).orderBy([{ column: 'i.role', order: 'desc' }, 'i.id']),
        ),
      ),
    rename: (id, name) => changeOne(id, { name }),
    clearFault: (id) =>
      changeOne(id, { fault_message: null, fault_created_at_ms: null, fault_details: null }),
    count: (projectId) => guarded(() => countLiving(db, projectId)),
    setEndpoint: async (id, { host, port }) => {
      try {
        await changeOne(id, { host, port })
      } catch (error) {
        if (!isUniqueViolation(error)) throw error
        throw new RedtroveError('conflict', `The address ${host} is given to another instance.`)
      }
    },
    endpointsInUse: async () => {
      const rows: Endpoint[] = await guarded(() =>
        db('instances').whereNotNull('host').select('host', 'port'),
      )
      return rows.map(({ host, port }) => ({ host, port }))
    },
  }
}

/** Living instances of a project; inside a transaction it is what that transaction sees. */
export async function countLiving(db: Database, projectId: string): Promise<number> {
  const [row] = await db('instances')
    .where({ project_id: projectId })
    .whereNull('deleted_at_ms')
    .count({ living: '*' })
  return Number(row?.living ?? 0)
}

function notFound(id: string): RedtroveError {
  return new RedtroveError('not_found', `Instance ${id} cannot be found.`)
}
