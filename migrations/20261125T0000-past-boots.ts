import type { Knex } from 'knex'

/** Boots of agents that were followed by another, with the last number that was stored of each: a copy of an old report is known by it. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('past_boots', (table) => {
    table.string('instance_id', 36).notNullable()
    table.string('boot_id', 64).notNullable()
    table.bigInteger('seq').notNullable()
    table.bigInteger('ended_at_ms').notNullable().index()
    table.primary(['instance_id', 'boot_id'])
  })
}

/** Drops the table. */
export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTableIfExists('past_boots')
}
