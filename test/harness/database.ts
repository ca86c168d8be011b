import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, inject } from 'vitest'
import { connect, type Database } from '../../store/connect.js'
import { migrate } from '../../store/migrate.js'
import { openStore } from '../../store/open-store.js'
import type { Store } from '../../store/store.js'
import type {} from './database-setup.js'

export interface TestDatabase {
  readonly url: string
  readonly db: Database
  readonly store: Store
  /** A second connection to the same data, as another process would have. */
  another(): { readonly db: Database; readonly store: Store }
  close(): Promise<void>
}

/** Declares the same tests once for each engine; `open` makes a migrated database of the test's own. */
export function describeOnBoth(
  name: string,
  tests: (open: () => Promise<TestDatabase>, engine: 'sqlite' | 'postgres') => void,
): void {
  describe(`${name} on SQLite`, () => tests(openSqlite, 'sqlite'))
  describe(`${name} on PostgreSQL`, () => tests(openPostgres, 'postgres'))
}

/** A fresh SQLite file in a temporary folder. */
export async function openSqlite(): Promise<TestDatabase> {
  const dir = mkdtempSync(join(tmpdir(), 'redtrove-sqlite-'))
  return opened(`sqlite:${join(dir, 'test.sqlite')}`, async () =>
    rmSync(dir, { recursive: true, force: true }),
  )
}

async function openPostgres(): Promise<TestDatabase> {
  const name = `t${randomUUID().replaceAll('-', '')}`
  const base = inject('postgresUrl')
  const admin = connect(`${base}/postgres`)
  await admin.raw(`create database ${name}`)
  return opened(`${base}/${name}`, async () => {
    await admin.raw(`drop database ${name} with (force)`)
    await admin.destroy()
  })
}

async function opened(url: string, cleanUp: () => Promise<void>): Promise<TestDatabase> {
  const all: Database[] = []
  const another = () => {
    const db = connect(url)
    all.push(db)
    return { db, store: openStore(db) }
  }
  const first = another()
  await migrate(first.db)
  return {
    url,
    ...first,
    another,
    close: async () => {
      await Promise.all(all.map((db) => db.destroy()))
      await cleanUp()
    },
  }
}
