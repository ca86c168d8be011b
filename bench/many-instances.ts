/* Rows of a service that has been in use for a while, written past the API, since that would take its time. */
import { randomUUID } from 'node:crypto'
import { connect } from '../store/connect.js'
import { migrate } from '../store/migrate.js'
import { observed } from '../test/harness/observed.js'

const ROWS_A_STATEMENT = 250
const REPLICAS = 2

/** Fills the database up to `count` instances of `projectId`, in sets of three, each with its last report. Answers with all ids. */
export async function fillWithInstances(
  databaseUrl: string,
  projectId: string,
  count: number,
): Promise<readonly string[]> {
  const db = connect(databaseUrl)
  try {
    await migrate(db)
    const there = await db('instances')
      .where({ project_id: projectId })
      .whereNull('deleted_at_ms')
      .count({ n: '*' })
    const sets: Record<string, unknown>[] = []
    const instances: Record<string, unknown>[] = []
    const observations: Record<string, unknown>[] = []
    const version = (await db('datastore_versions').where({ active: true }).first('id'))?.id ?? randomUUID()
    for (let n = Number(there[0]?.n ?? 0); n < count; n += 1) {
      const isSource = n % (REPLICAS + 1) === 0 || sets.length === 0
      if (isSource)
        sets.push({ id: randomUUID(), project_id: projectId, epoch: 3, sealed_credentials: 'sealed' })
      const setId = String(sets.at(-1)?.id)
      const source = { host: hostOf(n - (n % (REPLICAS + 1))), port: 6379 }
      const id = randomUUID()
      instances.push(instanceRow(id, projectId, setId, version, isSource, n))
      const seen = isSource
        ? observed({ accepted: { setId, epoch: 3, attempt: 1, role: 'source', source: null } })
        : observed({
            role: 'replica',
            fenced: true,
            link: 'up',
            following: source,
            accepted: { setId, epoch: 3, attempt: 1, role: 'replica', source },
          })
      observations.push({
        instance_id: id,
        boot_id: randomUUID(),
        seq: 1,
        received_at_ms: Date.now(),
        observation: JSON.stringify(seen),
      })
    }
    for (const [table, rows] of Object.entries({ replication_sets: sets, instances, observations }))
      await db.batchInsert(table, rows, ROWS_A_STATEMENT)
    const all: { id: string }[] = await db('instances')
      .where({ project_id: projectId })
      .whereNull('deleted_at_ms')
      .select('id')
    return all.map(({ id }) => id)
  } finally {
    await db.destroy()
  }
}

function instanceRow(
  id: string,
  projectId: string,
  setId: string,
  version: string,
  isSource: boolean,
  n: number,
) {
  return {
    id,
    project_id: projectId,
    name: `instance-${n}`,
    set_id: setId,
    role: isSource ? 'source' : 'replica',
    flavor_id: '1',
    volume_gb: 1,
    datastore_version_id: version,
    host: hostOf(n),
    port: 6379,
    created_at_ms: Date.now(),
    updated_at_ms: Date.now(),
  }
}

function hostOf(n: number): string {
  return `127.14.${Math.floor(n / 250)}.${1 + (n % 250)}`
}
