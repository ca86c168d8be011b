import type { Operation, OperationKind } from '../../common/domain/operation.js'
import type { Workflow } from '../workflow.js'
import { createInstance } from './create-instance.js'
import { createReplicas } from './create-replicas.js'
import { deleteInstance } from './delete-instance.js'
import { detachReplica } from './detach-replica.js'
import { ejectReplicaSource } from './eject-replica-source.js'
import { migrateReplica } from './migrate-replica.js'
import { promoteToReplicaSource } from './promote-to-replica-source.js'
import { repairReplication } from './repair-replication.js'
import { restartInstance } from './restart-instance.js'
import { setPassword } from './set-password.js'

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
