import type { z } from 'zod'
import type { OperationDefinition } from '../define.js'
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

/** Everything that can be done to instances; the closed list. Each needs a workflow of its name, or nothing compiles. */
const KINDS = {
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
} as const satisfies { readonly [K in string]: { readonly kind: K } }

export type OperationKind = keyof typeof KINDS
/** What each kind was asked for. */
export type OperationRequests = { readonly [K in OperationKind]: z.output<(typeof KINDS)[K]['request']> }

/** In the order of the list. */
export const OPERATION_KINDS = Object.keys(KINDS) as readonly OperationKind[] // its own keys

/** All that is particular to a kind. */
export function kindOf<K extends OperationKind>(
  kind: K,
): OperationDefinition<K, z.ZodType<OperationRequests[K]>> {
  // TypeScript cannot tell that the entry of K is defined by K.
  return KINDS[kind] as unknown as OperationDefinition<K, z.ZodType<OperationRequests[K]>>
}
