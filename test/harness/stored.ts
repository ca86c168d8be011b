/* Rows as tests want them: instances and sets put into a real store through its own doors. */
import { randomUUID } from 'node:crypto'
import type { Observation } from '../../domain/instance/observation.js'
import type { Operation } from '../../domain/operation/operation.js'
import type { NewInstance, Store } from '../../store/store.js'

export const PROJECT = 'demo'

/** A row to be inserted. */
export function newInstance(changes: Partial<NewInstance> = {}): NewInstance {
  return {
    id: randomUUID(),
    projectId: PROJECT,
    name: 'one',
    setId: randomUUID(),
    role: 'source',
    flavorId: '1',
    volumeGb: 1,
    datastoreVersionId: randomUUID(),
    availabilityZone: null,
    locality: null,
    ...changes,
  }
}

/** Opens a create operation for a source of its own set. */
export function openCreate(
  store: Store,
  instance: NewInstance,
  quota = -1,
  sealedCredentials = 'sealed',
): Promise<Operation> {
  return store.operations.open({
    kind: 'create_instance',
    projectId: instance.projectId,
    instanceId: instance.id,
    setId: instance.setId,
    request: {},
    requestId: 'req-test',
    askedBy: 'a test',
    deadlineMs: 60_000,
    newSet: { id: instance.setId, projectId: instance.projectId, sealedCredentials },
    newInstances: [instance],
    instanceQuota: quota,
  })
}

/** Takes the lease and ends the operation, as a taskmanager would. */
export async function finish(
  store: Store,
  operation: Pick<Operation, 'id' | 'attempt' | 'leaseBeat'>,
  changes: Parameters<Store['operations']['close']>[2]['changes'] = {},
): Promise<void> {
  const taken = await store.operations.takeLease(operation.id, 'test', operation)
  if (!taken) throw new Error('the lease was not to be had')
  const lease = { operationId: operation.id, owner: 'test', attempt: taken.attempt }
  await store.operations.close(lease, 'done', { result: { summary: 'done' }, changes })
}

/** A source at rest with `replicas` replicas, each with an address. Answers with the ids, source first. */
export async function storedSet(
  store: Store,
  replicas: number,
  options: {
    readonly projectId?: string
    readonly sealedCredentials?: string
    readonly datastoreVersionId?: string
  } = {},
): Promise<readonly string[]> {
  const { projectId = PROJECT, sealedCredentials = 'sealed' } = options
  const common = options.datastoreVersionId ? { datastoreVersionId: options.datastoreVersionId } : {}
  const source = newInstance({ projectId, name: 'source', ...common })
  const host = () => ({
    endpoint: {
      host: `127.77.${Math.floor(Math.random() * 250)}.${Math.floor(Math.random() * 250)}`,
      port: 6379,
    },
  })
  await finish(store, await openCreate(store, source, -1, sealedCredentials), {
    instances: { [source.id]: host() },
  })
  if (replicas === 0) return [source.id]
  const rows = Array.from({ length: replicas }, (_, i) =>
    newInstance({ projectId, setId: source.setId, role: 'replica', name: `replica-${i + 1}`, ...common }),
  )
  const ids = rows.map(({ id }) => id)
  const operation = await store.operations.open({
    kind: 'create_replicas',
    projectId,
    instanceId: source.id,
    setId: source.setId,
    request: { replicaIds: ids },
    requestId: 'req-test',
    askedBy: 'a test',
    deadlineMs: 60_000,
    newInstances: rows,
  })
  await finish(store, operation, { instances: Object.fromEntries(ids.map((id) => [id, host()])) })
  return [source.id, ...ids]
}

/** Stores a report of an instance as taken in `agoMs` ago; less than nothing is what a clock leaves that was set back since. */
export async function report(
  store: Store,
  instanceId: string,
  observation: Observation,
  agoMs = 0,
  seq = 1,
  bootId = 'boot',
): Promise<void> {
  await store.observations.save([{ instanceId, bootId, seq, observation, agoMs }])
}
