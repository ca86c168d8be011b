import type { Knex } from 'knex'

/** Operations are listed newest first, and those that ended long ago are looked for to be forgotten: both by an index. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('operations', (table) => {
    table.dropIndex(['project_id', 'id'])
    table.index(['project_id', 'created_at_ms', 'id'])
    table.index(['ended_at_ms'])
  })
}

/** The index that pages by id went by. */
export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('operations', (table) => {
    table.dropIndex(['ended_at_ms'])
    table.dropIndex(['project_id', 'created_at_ms', 'id'])
    table.index(['project_id', 'id'])
  })
}
