import { messageOf } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import { withNames } from '../../domain/instance/called.js'
import type { Operation } from '../../domain/operation/operation.js'
import type { Changes, InstanceChange, Store } from '../../store/store.js'
import type { Outcome } from './workflow.js'

interface Naming {
  readonly operation: Pick<Operation, 'memberIds'>
  readonly store: { readonly instances: Pick<Store['instances'], 'findMany'> }
  readonly log: Logger
}

/** The end of an operation with its members named in every sentence of it: workflows and guests know ids only. */
export async function nameMembers(outcome: Outcome, naming: Naming): Promise<Outcome> {
  const { fault, result } = outcome
  const faults = Object.values(outcome.changes?.instances ?? {}).map((one) => one.fault?.message)
  const name = await namer([fault, result?.summary, ...faults], naming)
  return {
    ...outcome,
    ...(fault === undefined ? {} : { fault: name(fault) }),
    ...(result ? { result: { ...result, summary: name(result.summary) } } : {}),
    ...(outcome.changes ? { changes: named(outcome.changes, name) } : {}),
  }
}

/** Changes of rows with the members named in the faults. */
export async function nameInFaults(changes: Changes, naming: Naming): Promise<Changes> {
  const faults = Object.values(changes.instances ?? {}).map((one) => one.fault?.message)
  return named(changes, await namer(faults, naming))
}

function named(changes: Changes, name: (sentence: string) => string): Changes {
  if (!changes.instances) return changes
  const renamed = (one: InstanceChange): InstanceChange =>
    one.fault ? { ...one, fault: { ...one.fault, message: name(one.fault.message) } } : one
  const instances = Object.entries(changes.instances).map(([id, one]) => [id, renamed(one)] as const)
  return { ...changes, instances: Object.fromEntries(instances) }
}

/** Asks the database only when a member is named; without an answer the ids stay, which are true too. */
async function namer(
  sentences: readonly (string | undefined)[],
  { operation, store, log }: Naming,
): Promise<(sentence: string) => string> {
  const ids = operation.memberIds.filter((id) => sentences.some((sentence) => sentence?.includes(id)))
  if (ids.length === 0) return (sentence) => sentence
  try {
    const instances = (await store.instances.findMany(ids)).map(({ instance }) => instance)
    return (sentence) => withNames(sentence, instances)
  } catch (error) {
    log.warn({ reason: messageOf(error) }, 'members named by their ids')
    return (sentence) => sentence
  }
}
