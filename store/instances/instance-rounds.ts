/* Several questions about instances as one statement each; the answers come in the order of the questions. */
import type { Knex } from 'knex'
import type { Database } from '../connect.js'
import type { DatabaseNow } from '../database-clock.js'
import type { InstanceFacts, Page } from '../store.js'
import { instanceFacts } from './instance-facts.js'

/** An instance by id; of any project when that is null. */
export interface OneOf {
  readonly projectId: string | null
  readonly id: string
}

/** A page of a project's instances in the order of ids. */
export interface PageOf extends Page {
  readonly projectId: string
}

/** Each living instance that was asked for and belongs to the project that was named; null for the others. */
export async function instancesByIds(
  db: Database,
  now: DatabaseNow,
  wanted: readonly OneOf[],
): Promise<readonly (InstanceFacts | null)[]> {
  const found = await instanceFacts(db, now, (query) =>
    query.where((any) => {
      for (const projectId of new Set(wanted.map((one) => one.projectId))) {
        const ids = wanted.filter((one) => one.projectId === projectId).map(({ id }) => id)
        any.orWhere((these) => {
          these.whereIn('i.id', [...new Set(ids)])
          if (projectId !== null) these.where('i.project_id', projectId)
        })
      }
    }),
  )
  const byId = new Map(found.map((facts) => [facts.instance.id, facts]))
  return wanted.map(({ projectId, id }) => {
    const facts = byId.get(id)
    return facts && (projectId === null || facts.instance.projectId === projectId) ? facts : null
  })
}

/**
 * Each page with one instance more than its limit, when there is one. Pages of one statement may overlap: whatever is in the
 * union and comes after a page's marker also comes after it in the table, so the first of them are the page.
 */
export async function instancePages(
  db: Database,
  now: DatabaseNow,
  pages: readonly PageOf[],
): Promise<readonly (readonly InstanceFacts[])[]> {
  const idsOf = pages.map((page) => db.select('id').from(idsOfPage(db, page).as('page')))
  const found = await instanceFacts(db, now, (query) =>
    query.whereIn('i.id', db.unionAll(idsOf) as unknown as Knex.QueryBuilder).orderBy('i.id'),
  )
  const byProject = new Map<string, InstanceFacts[]>()
  for (const facts of found) {
    const known = byProject.get(facts.instance.projectId)
    if (known) known.push(facts)
    else byProject.set(facts.instance.projectId, [facts])
  }
  return pages.map(({ projectId, marker = '', limit }) => {
    const all = byProject.get(projectId) ?? []
    const from = all.findIndex(({ instance }) => instance.id > marker)
    return from < 0 ? [] : all.slice(from, from + limit + 1)
  })
}

/** Read from an index alone. */
function idsOfPage(db: Database, { projectId, marker, limit }: PageOf): Knex.QueryBuilder {
  const query = db('instances')
    .where({ project_id: projectId })
    .whereNull('deleted_at_ms')
    .orderBy('id')
    .limit(limit + 1)
    .select('id')
  return marker === undefined ? query : query.where('id', '>', marker)
}
