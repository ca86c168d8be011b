import { RedtroveError } from '../../../common/errors.js'
import { waitUntil } from '../../../common/wait-until.js'
import type { Endpoint } from '../../../domain/instance/endpoint.js'
import { dataBytesOf } from '../../../domain/instance/flavor.js'
import type { Observation } from '../../../domain/instance/observation.js'
import type { Assignment } from '../../../domain/replication/assignment.js'
import type { InstanceFacts } from '../../../store/store.js'
import type { WorkflowContext } from '../../engine/workflow.js'
import { lookAt, within } from '../../guests/guests.js'

const POLL_MS = 50

/** Queues, address, files and processes of a guest exist; it need not answer yet. Answers with its address. */
export async function ensureGuest(
  { instance }: InstanceFacts,
  assignment: Assignment,
  context: WorkflowContext,
): Promise<Endpoint> {
  const brokerAccount = await context.queues.declareGuest(instance.id)
  // Without an address it never came up, or was taken back: what may be left of it has another address in its files.
  if (instance.endpoint === null) await context.compute.remove(instance.id)
  const { endpoint } = await context.compute.ensure({
    instanceId: instance.id,
    assignment,
    sealKey: context.keyRing.instanceKey(instance.id).toString('hex'),
    brokerAccount,
    maxMemoryBytes: dataBytesOf(instance.flavorId),
    volumeGb: instance.volumeGb,
  })
  return endpoint
}

/** Nothing of a guest is left. Its row is untouched. */
export async function removeGuest(instanceId: string, context: WorkflowContext): Promise<void> {
  await context.compute.remove(instanceId)
  await context.queues.removeGuest(instanceId)
}

/**
 * Waits until the agent answers and its redis-server serves, fenced or not. Fails with `guest_failed` in the agent's own words
 * when the server will not come up, with `guest_timeout` when nothing was heard in `timeoutMs`.
 */
export async function untilServing(
  instanceId: string,
  context: WorkflowContext,
  timeoutMs: number = context.timings.bootMs,
): Promise<Observation> {
  const seen = await waitUntil(
    `the redis-server of instance ${instanceId} serves`,
    () => look(instanceId, context),
    ({ service }) => service === 'running' || service === 'crashed',
    {
      timeoutMs,
      pollMs: POLL_MS,
      clock: context.clock,
      signal: context.signal,
      describe: ({ service, fault }) => fault ?? `redis-server is ${service}`,
    },
  )
  if (seen.service === 'running') return seen
  throw new RedtroveError('guest_failed', seen.fault ?? `The redis-server of instance ${instanceId} crashed.`)
}

/**
 * Waits until the stored report of a guest says what a look at it says now, so that whoever reads the instance when its operation
 * has ended sees what the operation saw. Not worth a failure: after `linkMs` the operation ends without it.
 */
export async function untilReported(instanceId: string, context: WorkflowContext): Promise<void> {
  const { store, clock, signal, timings } = context
  const seen = await lookAt(instanceId, context)
  const deadline = clock.monotonicMs() + timings.linkMs
  while (seen && clock.monotonicMs() < deadline) {
    const { stored } = await store.instances.find(null, instanceId)
    if (stored && isSameLook(stored.observation, seen)) return
    await clock.sleep(POLL_MS, signal)
  }
}

function isSameLook(reported: Observation, seen: Observation): boolean {
  const { serverPid, service, role, link } = seen
  return (
    reported.serverPid === serverPid &&
    reported.service === service &&
    reported.role === role &&
    reported.link === link
  )
}

/** Waits until the agent answers at all. */
export async function untilAnswering(
  instanceId: string,
  context: WorkflowContext,
  timeoutMs: number,
): Promise<Observation> {
  const { clock, signal } = context
  const what = `the agent of instance ${instanceId} answers`
  return waitUntil(
    what,
    () => look(instanceId, context),
    () => true,
    { timeoutMs, pollMs: POLL_MS, clock, signal },
  )
}

function look(instanceId: string, context: WorkflowContext): Promise<Observation> {
  return within(`Instance ${instanceId}`, context.timings.lookMs, context, async (signal) => {
    return (await context.guest(instanceId).inspect({}, { signal })).observation
  })
}
