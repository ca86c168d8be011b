import { isKind } from '../../common/errors.js'
import type { KeyRing } from '../../common/secrets/key-ring.js'
import type { InstanceId } from '../../domain/instance/instance.js'
import { kindOf } from '../../domain/operation/kinds/index.js'
import type { Assignment } from '../../domain/replication/assignment.js'
import { openCredentials } from '../../store/sealed-credentials.js'
import type { InstanceFacts, Store } from '../../store/store.js'
import type { Handlers } from '../../wire/contract.js'
import type { taskmanagerQuestions } from '../../wire/control/questions.js'

type Parts = {
  readonly store: Pick<Store, 'instances' | 'sets' | 'operations'>
  readonly keyRing: KeyRing
}

/** Answers the questions of one instance's agent. */
export function answersFor(instanceId: InstanceId, parts: Parts): Handlers<typeof taskmanagerQuestions> {
  return {
    assignmentOf: async () => {
      const facts = await findLiving(instanceId, parts)
      if (!facts || (facts.operation && kindOf(facts.operation.kind).roleInMotion))
        return { assignment: null }
      return { assignment: await assignmentOf(facts, parts) }
    },
  }
}

async function findLiving(instanceId: InstanceId, { store }: Parts): Promise<InstanceFacts | null> {
  return store.instances.find(null, instanceId).catch((error: unknown) => {
    if (isKind(error, 'not_found')) return null
    throw error
  })
}

/**
 * What its row says. At the epoch of the operation that holds it, if one does: the set's own may have been raised since by an
 * operation on other members, and an agent that heard the higher one would refuse the rest of its own operation.
 */
async function assignmentOf(
  { instance, operation, sourceEndpoint: source }: InstanceFacts,
  { store, keyRing }: Parts,
): Promise<Assignment | null> {
  const set = await store.sets.find(instance.setId)
  const { epoch } = operation ? await store.operations.find(null, operation.id) : set
  const credentials = openCredentials(keyRing, set.sealedCredentials)
  if (instance.role !== 'replica')
    return { setId: set.id, epoch, role: instance.role, source: null, credentials }
  if (source === null) return null
  return { setId: set.id, epoch, role: 'replica', source, credentials }
}
