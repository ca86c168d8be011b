import { afterEach, beforeEach, expect, it } from 'vitest'
import { migrationSource } from '../../migrations/index.js'
import { connect } from '../../store/connect.js'
import { migrate } from '../../store/migrate.js'
import { openStore } from '../../store/open-store.js'
import { describeOnBoth, openSqlite, type TestDatabase } from '../harness/database.js'
import { storedSet } from '../harness/stored.js'

const CONFIG = { migrationSource, tableName: 'schema_migrations' }

describeOnBoth('migrations', (open) => {
  let database: TestDatabase
  beforeEach(async () => {
    database = await open()
  })
  afterEach(() => database.close())

  it('go up, down and up again', async () => {
    await database.db.migrate.rollback(CONFIG, true)
    expect(await database.db.schema.hasTable('instances')).toBe(false)
    await migrate(database.db)
    expect(await storedSet(database.store, 1)).toHaveLength(2)
  })

  it('take over what a service of before has left: sets, members, and an operation that is open', async () => {
    const { store, db } = database
    const [source = '', replica = ''] = await storedSet(store, 1)
    const { instance } = await store.instances.find(null, source)
    const { id } = await store.operations.open({
      kind: 'promote_to_replica_source',
      projectId: instance.projectId,
      instanceId: replica,
      setId: instance.setId,
      request: {},
      requestId: 'r',
      askedBy: 'a test',
    })
    await db.migrate.down(CONFIG)
    expect(await db.schema.hasColumn('replication_sets', 'leads_by')).toBe(false)
    await migrate(db)
    expect(await store.sets.find(instance.setId)).toMatchObject({
      kind: 'replication',
      leadsBy: 'rows',
      epoch: 3,
    })
    expect(await store.operations.find(null, id)).toMatchObject({
      state: 'pending',
      askedBy: null,
      memberIds: expect.arrayContaining([source, replica]),
    })
    const [open] = await store.operations.listOpen()
    expect(open && (await store.operations.takeLease(id, 'me', open))).toMatchObject({ attempt: 1 })
  })

  it('may be started by several processes at once', async () => {
    await database.db.migrate.rollback(CONFIG, true)
    const others = [database.another(), database.another(), database.another()]
    await Promise.all(others.map(({ db }) => migrate(db)))
    expect(await database.db.schema.hasTable('instances')).toBe(true)
  })

  it('a lock that a killed process left blocks nobody for ever', async () => {
    await database.db.migrate.rollback(CONFIG, true)
    await database.db('schema_migrations_lock').update({ is_locked: 1 })
    await migrate(database.another().db, undefined, 300)
    expect(await database.db.schema.hasTable('instances')).toBe(true)
  })
})

it('a database that somebody keeps locked is unavailable, and serves again afterwards', async () => {
  const database = await openSqlite()
  const other = connect(database.url)
  try {
    const locked = await other.transaction()
    await locked.raw('update replication_sets set epoch = epoch')
    await expect(storedSet(openStore(database.db), 0)).rejects.toMatchObject({ kind: 'unavailable' })
    await locked.rollback()
    expect(await storedSet(database.store, 0)).toHaveLength(1)
  } finally {
    await other.destroy()
    await database.close()
  }
})
