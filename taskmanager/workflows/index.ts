import type { OperationKind } from '../../domain/operation/kinds/index.js'
import type { Operation } from '../../domain/operation/operation.js'
import type { Workflow } from '../engine/workflow.js'
import { setPassword } from './accounts/set-password.js'
import { createInstance } from './instance/create-instance.js'
import { deleteInstance } from './instance/delete-instance.js'
import { restartInstance } from './instance/restart-instance.js'
import { createReplicas } from './replication/create-replicas.js'
import { detachReplica } from './replication/detach-replica.js'
import { ejectReplicaSource } from './replication/eject/eject-replica-source.js'
import { migrateReplica } from './replication/migrate-replica.js'
import { promoteToReplicaSource } from './replication/promote/promote-to-replica-source.js'
import { repairReplication } from './replication/repair-replication.js'

/** One workflow a kind; a kind without one does not compile. */
export const WORKFLOWS = {
  create_instance: createInstance,
  create_replicas: createReplicas,
  detach_replica: detachReplica,
  promote_to_replica_source: promoteToReplicaSource,
  eject_replica_source: ejectReplicaSource,
  restart_instance: restartInstance,
  delete_instance: deleteInstance,
  migrate_replica: migrateReplica,
  set_password: setPassword,
  repair_replication: repairReplication,
} as const satisfies { readonly [K in OperationKind]: { readonly kind: K } }

/** The workflow that carries this operation out. */
export function workflowOf({ kind }: Operation): Workflow {
  // Its plan type stays its own: the runner parses each saved plan with the workflow's schema before handing it back.
  return WORKFLOWS[kind] as unknown as Workflow
}
