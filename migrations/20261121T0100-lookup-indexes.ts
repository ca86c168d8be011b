import type { Knex } from 'knex'

/**
 * Who reported lately is looked up each second, and the source of a set for every instance that is shown: both without reading
 * rows that are not meant.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('observations', (table) => {
    table.index(['received_at_ms'])
  })
  await knex.schema.alterTable('instances', (table) => {
    table.index(['set_id', 'role', 'deleted_at_ms'])
  })
}

/** Drops the indexes. */
export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('observations', (table) => {
    table.dropIndex(['received_at_ms'])
  })
  await knex.schema.alterTable('instances', (table) => {
    table.dropIndex(['set_id', 'role', 'deleted_at_ms'])
  })
}
