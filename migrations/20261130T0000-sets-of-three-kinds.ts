import type { Knex } from 'knex'

/**
 * A set is what changes together, of three kinds: `replication`, `cluster` (native) and `sharded` (the proxy cluster of 2010). `leads_by` says who
 * decides which member leads: `rows` are ours, with `engine` the servers elect and rows follow. An operation says who asked for it.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('replication_sets', (table) => {
    table.string('kind', 16).notNullable().defaultTo('replication')
    table.string('leads_by', 16).notNullable().defaultTo('rows')
  })
  await knex.schema.alterTable('instances', (table) => {
    table.string('kind', 16).notNullable().defaultTo('server')
    table.string('shard_id', 36)
  })
  await knex.schema.alterTable('operations', (table) => {
    table.string('asked_by', 255)
  })
}

/** Forgets them; there was nothing else before. By hand: for SQLite knex would write whole tables anew. */
export async function down(knex: Knex): Promise<void> {
  const columns = {
    replication_sets: ['kind', 'leads_by'],
    instances: ['kind', 'shard_id'],
    operations: ['asked_by'],
  }
  for (const [table, names] of Object.entries(columns))
    for (const name of names) await knex.raw('alter table ?? drop column ??', [table, name])
}
