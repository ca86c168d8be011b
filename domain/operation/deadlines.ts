import type { OperationKind } from './operation.js'

/** How long an operation may prepare before all is taken back. Milliseconds; a new replica's own limit is a setting. */
export const OPERATION_DEADLINE_MS: Record<OperationKind, number> = {
  create_instance: 180_000,
  create_replicas: 900_000,
  detach_replica: 60_000,
  promote_to_replica_source: 60_000,
  eject_replica_source: 120_000,
  restart_instance: 300_000,
  delete_instance: 180_000,
  migrate_replica: 180_000,
  set_password: 60_000,
  repair_replication: 60_000,
}
