import type { Handlers } from '../http/route.js'
import { listDatastoreVersions } from './datastores/list-datastore-versions.js'
import { listDatastores } from './datastores/list-datastores.js'
import { showDatastore } from './datastores/show-datastore.js'
import { showDatastoreVersion } from './datastores/show-datastore-version.js'
import { showVersionById } from './datastores/show-version-by-id.js'
import { listFlavors } from './flavors/list-flavors.js'
import { showFlavor } from './flavors/show-flavor.js'
import { actOnInstance } from './instances/act-on-instance.js'
import { createInstance } from './instances/create-instance.js'
import { deleteInstance } from './instances/delete-instance.js'
import { editInstance } from './instances/edit-instance.js'
import { listInstances } from './instances/list-instances.js'
import { listInstancesDetail } from './instances/list-instances-detail.js'
import { showInstance } from './instances/show-instance.js'
import { updateInstance } from './instances/update-instance.js'
import { listLimits } from './limits/list-limits.js'
import { showQuotas } from './limits/show-quotas.js'
import { listInstanceOperations } from './operations/list-instance-operations.js'
import { listOperations } from './operations/list-operations.js'
import { showOperation } from './operations/show-operation.js'
import { showReplication } from './replication/show-replication.js'
import { disableRoot } from './root/disable-root.js'
import { enableRoot } from './root/enable-root.js'
import { showRoot } from './root/show-root.js'
import { listVersions } from './service/list-versions.js'
import { showHealth } from './service/show-health.js'

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
