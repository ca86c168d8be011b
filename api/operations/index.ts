import type { Handlers } from '../operation.js'
import { actOnInstance } from './act-on-instance.js'
import { createInstance } from './create-instance.js'
import { deleteInstance } from './delete-instance.js'
import { disableRoot } from './disable-root.js'
import { editInstance } from './edit-instance.js'
import { enableRoot } from './enable-root.js'
import { listDatastoreVersions } from './list-datastore-versions.js'
import { listDatastores } from './list-datastores.js'
import { listFlavors } from './list-flavors.js'
import { listInstanceOperations } from './list-instance-operations.js'
import { listInstances } from './list-instances.js'
import { listInstancesDetail } from './list-instances-detail.js'
import { listLimits } from './list-limits.js'
import { listOperations } from './list-operations.js'
import { listVersions } from './list-versions.js'
import { showDatastore } from './show-datastore.js'
import { showDatastoreVersion } from './show-datastore-version.js'
import { showFlavor } from './show-flavor.js'
import { showHealth } from './show-health.js'
import { showInstance } from './show-instance.js'
import { showOperation } from './show-operation.js'
import { showQuotas } from './show-quotas.js'
import { showReplication } from './show-replication.js'
import { showRoot } from './show-root.js'
import { showVersionById } from './show-version-by-id.js'
import { updateInstance } from './update-instance.js'

/** Every operationId of openapi.yaml and the function that serves it. */
export const handlers: Handlers = {
  actOnInstance,
  createInstance,
  deleteInstance,
  disableRoot,
  editInstance,
  enableRoot,
  listDatastoreVersions,
  listDatastores,
  listFlavors,
  listInstanceOperations,
  listInstancesDetail,
  listInstances,
  listLimits,
  listOperations,
  listVersions,
  showDatastoreVersion,
  showDatastore,
  showFlavor,
  showHealth,
  showInstance,
  showOperation,
  showQuotas,
  showReplication,
  showRoot,
  showVersionById,
  updateInstance,
}
