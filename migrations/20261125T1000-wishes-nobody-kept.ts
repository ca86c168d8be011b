import type { Knex } from 'knex'

const COLUMNS = ['access', 'volume_type'] as const

/** Address ranges, public access and volume types were stored and shown and had no effect; they are refused now. */
export async function up(knex: Knex): Promise<void> {
  // By hand: for SQLite knex would write the whole table anew.
  for (const column of COLUMNS) await knex.raw('alter table instances drop column ??', [column])
}

/** Brings the columns back, empty. */
export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('instances', (table) => {
    table.text('access').notNullable().defaultTo('{}')
    table.string('volume_type', 255)
  })
}
