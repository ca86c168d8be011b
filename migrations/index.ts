import type { Knex } from 'knex'
import * as firstTables from './20261121T0000-first-tables.js'
import * as lookupIndexes from './20261121T0100-lookup-indexes.js'
import * as pastBoots from './20261125T0000-past-boots.js'
import * as histories from './20261125T0100-histories.js'
import * as wishesNobodyKept from './20261125T1000-wishes-nobody-kept.js'
import * as setsOfThreeKinds from './20261130T0000-sets-of-three-kinds.js'

const MIGRATIONS: Readonly<Record<string, Knex.Migration>> = {
  '20261121T0000-first-tables': firstTables,
  '20261121T0100-lookup-indexes': lookupIndexes,
  '20261125T0000-past-boots': pastBoots,
  '20261125T0100-histories': histories,
  '20261125T1000-wishes-nobody-kept': wishesNobodyKept,
  '20261130T0000-sets-of-three-kinds': setsOfThreeKinds,
}

/** All migrations in order, as a list and not a folder, so that the same one works from sources and from the build. */
export const migrationSource: Knex.MigrationSource<string> = {
  getMigrations: async () => Object.keys(MIGRATIONS),
  getMigrationName: (name) => name,
  getMigration: async (name) => {
    const migration = MIGRATIONS[name]
    if (!migration) throw new Error(`There is no migration called ${name}.`)
    return migration
  },
}
