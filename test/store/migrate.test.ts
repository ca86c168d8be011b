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
