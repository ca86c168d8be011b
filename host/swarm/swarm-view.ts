/* What managers say of nodes and tasks, parsed; and what may be concluded from it. */
import { z } from 'zod'
import { asked, type Engine } from '../docker/engine.js'
import { INSTANCE_LABEL } from '../docker/guest-container.js'
import type { NodeState, SwarmNode } from './placement/choose-node.js'

/** Label of a node: the availability zone that it is in. */
export const ZONE_LABEL = 'redtrove.zone'

const nodeSchema = z.object({
  ID: z.string(),
  Spec: z.object({
    Availability: z.string(),
    Labels: z.record(z.string(), z.string()).nullish(),
  }),
  Description: z.object({ Hostname: z.string(), Resources: z.object({ MemoryBytes: z.number() }) }),
  Status: z.object({ State: z.string() }),
})

const taskSchema = z.object({
  ID: z.string(),
  NodeID: z.string().default(''),
  Spec: z
    .object({
      ContainerSpec: z.object({ Labels: z.record(z.string(), z.string()).nullish() }).nullish(),
    })
    .optional(),
  DesiredState: z.string(),
  Status: z.object({
    State: z.string(),
    Err: z.string().default(''),
    Message: z.string().default(''),
    ContainerStatus: z.object({ PID: z.number().default(0) }).nullish(),
  }),
})

/** One try of a service to run, as managers know it: what a node that is down did last is not in it. */
export type SwarmTask = z.output<typeof taskSchema>

/** All nodes. Fails with `unavailable` while no manager answers. */
export async function nodesOf(engine: Engine): Promise<readonly SwarmNode[]> {
  const found = z.array(nodeSchema).parse(await asked('list the nodes of the Swarm', engine.listNodes()))
  return found.map(({ ID, Spec, Description, Status }) => ({
    id: ID,
    hostname: Description.Hostname,
    state: stateOf(Status.State),
    active: Spec.Availability === 'active',
    zone: Spec.Labels?.[ZONE_LABEL] ?? null,
    memoryBytes: Description.Resources.MemoryBytes,
  }))
}

function stateOf(said: string): NodeState {
  if (said === 'unknown') return 'unheard'
  return said === 'ready' ? 'ready' : 'down'
}

/** Tasks of a service, the latest first; none when there is no such service. */
export async function tasksOf(engine: Engine, service: string): Promise<readonly SwarmTask[]> {
  const filters = { service: [service] }
  const call = engine.listTasks({ filters })
  return z.array(taskSchema).parse((await asked(`list tasks of ${service}`, call, [404])) ?? [])
}

/** Tasks on a node that run a guest, whatever service they are of: those of a removed one end after it. */
export async function tasksOn(
  engine: Engine,
  nodeId: string,
  instanceId: string,
): Promise<readonly SwarmTask[]> {
  const filters = { node: [nodeId] }
  const found = await asked('list tasks of a node', engine.listTasks({ filters }), [404])
  return z
    .array(taskSchema)
    .parse(found ?? [])
    .filter(({ Spec }) => Spec?.ContainerSpec?.Labels?.[INSTANCE_LABEL] === instanceId)
}

const ENDED = ['complete', 'failed', 'shutdown', 'rejected']
const UNWANTED = ['shutdown', 'remove']

/** Its node has said that it ended. */
export function hasEnded({ Status }: SwarmTask): boolean {
  return ENDED.includes(Status.State)
}

/**
 * Whether a task may run now. Its node's word that it ended counts, and that it was called off before it had a node. A node that is down has
 * said nothing: Swarm calls its tasks `orphaned` after a day, but only a person who removed that node from the Swarm has seen it dark.
 */
export function mayRun(task: SwarmTask, nodes: readonly Pick<SwarmNode, 'id'>[]): boolean {
  if (hasEnded(task)) return false
  if (task.NodeID === '') return !UNWANTED.includes(task.DesiredState)
  return nodes.some(({ id }) => id === task.NodeID)
}

/** Pid of the task that runs, on its own node; null when none says that it runs. */
export function runningPid(tasks: readonly SwarmTask[]): number | null {
  const running = tasks.find(
    ({ Status, DesiredState }) => Status.State === 'running' && DesiredState === 'running',
  )
  return running ? running.Status.ContainerStatus?.PID || 1 : null
}

/** The last word of a service's tasks, for people. */
export function lastWord(tasks: readonly SwarmTask[]): string {
  const said = tasks.map(({ Status }) => `${Status.State}${Status.Err ? `: ${Status.Err}` : ''}`)
  return said.length > 0 ? said.join('; ') : 'no task'
}
