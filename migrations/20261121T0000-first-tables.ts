import type { Knex } from 'knex'

/** Every table of the first release. Times are milliseconds since 1970; JSON is text that only its store reads. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('replication_sets', (table) => {
    table.string('id', 36).primary()
    table.string('project_id', 255).notNullable()
    table.integer('epoch').notNullable()
    table.text('sealed_credentials').notNullable()
    table.bigInteger('root_enabled_at_ms')
  })
  await knex.schema.createTable('instances', instancesTable)
  await knex.schema.createTable('operations', operationsTable)
  await knex.schema.createTable('operation_members', (table) => {
    table.string('operation_id', 36).notNullable().references('operations.id').onDelete('CASCADE')
    table.string('instance_id', 36).notNullable()
    table.primary(['operation_id', 'instance_id'])
    table.index(['instance_id', 'operation_id'])
  })
  await knex.schema.createTable('operation_steps', (table) => {
    table.string('operation_id', 36).notNullable().references('operations.id').onDelete('CASCADE')
    table.integer('seq').notNullable()
    table.string('name', 255).notNullable()
    table.string('state', 16).notNullable()
    table.integer('attempt').notNullable()
    table.bigInteger('started_at_ms').notNullable()
    table.bigInteger('ended_at_ms')
    table.text('detail')
    table.primary(['operation_id', 'seq'])
  })
  await knex.schema.createTable('observations', (table) => {
    table.string('instance_id', 36).primary()
    table.string('boot_id', 64).notNullable()
    table.bigInteger('seq').notNullable()
    table.bigInteger('received_at_ms').notNullable()
    table.text('observation').notNullable()
  })
  await knex.schema.createTable('datastore_versions', (table) => {
    table.string('id', 36).primary()
    table.string('datastore_id', 36).notNullable()
    table.string('datastore', 32).notNullable()
    table.string('name', 32).notNullable()
    table.string('version', 64).notNullable()
    table.boolean('active').notNullable()
  })
  await knex.schema.createTable('quotas', (table) => {
    table.string('project_id', 255).notNullable()
    table.string('resource', 32).notNullable()
    table.integer('hard_limit').notNullable()
    table.primary(['project_id', 'resource'])
  })
}

function instancesTable(table: Knex.CreateTableBuilder): void {
  table.string('id', 36).primary()
  table.string('project_id', 255).notNullable()
  table.string('name', 255).notNullable()
  table.string('set_id', 36).notNullable().index()
  table.string('role', 16).notNullable()
  table.string('flavor_id', 64).notNullable()
  table.integer('volume_gb').notNullable()
  table.string('volume_type', 255)
  table.string('datastore_version_id', 36).notNullable()
  table.string('availability_zone', 255)
  table.string('locality', 32)
  table.text('access').notNullable()
  // Null again once deleted, so that uniqueness holds among the living. Both engines let nulls repeat.
  table.string('host', 255).unique()
  table.integer('port')
  table.text('fault_message')
  table.bigInteger('fault_created_at_ms')
  table.text('fault_details')
  table.string('operation_id', 36).index()
  table.bigInteger('created_at_ms').notNullable()
  table.bigInteger('updated_at_ms').notNullable()
  table.bigInteger('deleted_at_ms')
  table.index(['project_id', 'deleted_at_ms', 'id'])
}

function operationsTable(table: Knex.CreateTableBuilder): void {
  table.string('id', 36).primary()
  table.string('kind', 64).notNullable()
  table.string('project_id', 255).notNullable()
  table.string('state', 16).notNullable().index()
  table.string('instance_id', 36).notNullable()
  table.string('set_id', 36).notNullable()
  table.integer('epoch').notNullable()
  table.text('request').notNullable()
  table.text('plan')
  table.text('result')
  table.text('fault')
  table.string('request_id', 128).notNullable()
  table.integer('attempt').notNullable()
  table.string('lease_owner', 128)
  table.integer('lease_beat').notNullable()
  table.bigInteger('deadline_ms').notNullable()
  table.boolean('cancel_requested').notNullable()
  table.bigInteger('created_at_ms').notNullable()
  table.bigInteger('started_at_ms')
  table.bigInteger('ended_at_ms')
  table.index(['project_id', 'id'])
}

/** Drops every table. */
export async function down(knex: Knex): Promise<void> {
  const tables = [
    'quotas',
    'datastore_versions',
    'observations',
    'operation_steps',
    'operation_members',
    'operations',
    'instances',
    'replication_sets',
  ]
  for (const table of tables) await knex.schema.dropTableIfExists(table)
}
