/*
 * Empties hosts that somebody wants empty (a Swarm's node that is paused or drained): replicas are made anew elsewhere; a source hands over to a
 * replica elsewhere first and is a replica then; one that its host has ended already, as a drained node does, is ejected. What stands alone
 * stays: nobody has its data.
 */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../../common/clock.js'
import { isKind, messageOf } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import { repeat } from '../../common/repeat.js'
import type { InstanceId } from '../../domain/instance/instance.js'
import { isSilent } from '../../domain/instance/silence.js'
import type { OperationDoor } from '../../store/operations/door.js'
import type { InstanceFacts, Store } from '../../store/store.js'
import type { Compute } from '../compute/compute.js'

const LOOK_MS = 2_000
/** What could not be moved is tried again after this. */
const AGAIN_MS = 30_000

/** Who knows who has to leave, and how an operation is announced. */
export interface EvacuationParts {
  readonly compute: Pick<Compute, 'leaving' | 'inspect'>
  readonly store: Pick<Store, 'instances'>
  readonly openOperation: OperationDoor
  readonly reportAgeMsMax: number
  readonly clock: Clock
  readonly log: Logger
}

/** One thing to do for a guest that has to leave. */
export interface Departure {
  readonly kind: 'migrate_replica' | 'promote_to_replica_source' | 'eject_replica_source'
  /** For a promote, the replica that is to lead. */
  readonly instanceId: InstanceId
}

/** What is to be done first for a set of which `leaving` have to leave; null when nothing can be. `reports` says who is heard of. */
export function departureOf(
  members: readonly InstanceFacts[],
  leaving: ReadonlySet<InstanceId>,
  reports: (facts: InstanceFacts) => boolean,
): Departure | null {
  if (members.some(({ operation }) => operation)) return null
  const source = members.find(({ instance }) => instance.role === 'source')
  if (!source) return null
  const replicas = members.filter(({ instance }) => instance.role === 'replica')
  if (!reports(source)) {
    const isToGo = leaving.has(source.instance.id) && replicas.some(reports)
    return isToGo ? { kind: 'eject_replica_source', instanceId: source.instance.id } : null
  }
  const leaver = replicas.find(({ instance }) => leaving.has(instance.id))
  if (leaver) return { kind: 'migrate_replica', instanceId: leaver.instance.id }
  if (!leaving.has(source.instance.id)) return null
  const canLead = ({ instance, stored }: InstanceFacts) =>
    stored?.observation.link === 'up' && stored.observation.persistenceOk !== false && !instance.fault
  const successor = replicas.find((facts) => reports(facts) && canLead(facts))
  return successor ? { kind: 'promote_to_replica_source', instanceId: successor.instance.id } : null
}

/** Looks every other second and opens one operation a set at a time. Returns the way to stop it. */
export function startEvacuation(parts: EvacuationParts): () => Promise<void> {
  const { compute, store, openOperation, clock, log } = parts
  const triedMs = new Map<InstanceId, number>()
  const reports = ({ stored }: InstanceFacts) => !isSilent(stored, parts.reportAgeMsMax)

  async function look(): Promise<void> {
    const leaving = await compute.leaving()
    if (leaving.length === 0) return triedMs.clear()
    const facts = await store.instances.findMany(leaving)
    const setIds = new Set(facts.map(({ instance }) => instance.setId))
    for (const setId of setIds) {
      const members = await store.instances.membersOf(setId)
      const departure = departureOf(members, new Set(leaving), reports)
      if (departure) await open(departure, members)
    }
  }

  async function open({ kind, instanceId }: Departure, members: readonly InstanceFacts[]): Promise<void> {
    const subject = members.find(({ instance }) => instance.id === instanceId)
    const nowMs = clock.monotonicMs()
    // Its host may be away instead, and then nobody may lead; the operation itself looks again before it does anything.
    if (kind === 'eject_replica_source' && (await compute.inspect(instanceId)).state === 'running') return
    if (!subject || nowMs - (triedMs.get(instanceId) ?? -AGAIN_MS) < AGAIN_MS) return
    triedMs.set(instanceId, nowMs)
    const { projectId, setId } = subject.instance
    try {
      const operation = await openOperation({
        kind,
        projectId,
        instanceId,
        setId,
        request: {},
        requestId: `req-${randomUUID()}`,
        askedBy: 'the evacuation of a host',
      })
      log.warn(
        { operationId: operation.id, instanceId, kind },
        'its host, or that of its source, is to be emptied',
      )
    } catch (error) {
      // Something else was quicker.
      if (!isKind(error, 'unprocessable', 'not_found')) throw error
    }
  }

  return repeat(look, {
    pauseMs: LOOK_MS,
    clock,
    onFailure: (error) => log.debug({ reason: messageOf(error) }, 'no look at hosts'),
  })
}
