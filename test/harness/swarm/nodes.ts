/* Nodes of the tests' Swarm, as its operator handles them. */
import type Docker from 'dockerode'
import { waitUntil } from '../../../common/wait-until.js'
import { clientOf } from '../containers/engine.js'
import type { SwarmMachine } from './setup.js'

/** The id that managers know a machine by; of several with its name, of one that is ready. */
export async function nodeIdOf(manager: Docker, { name }: Pick<SwarmMachine, 'name'>): Promise<string> {
  const nodes: { ID: string; Description: { Hostname: string }; Status: { State: string } }[] =
    await manager.listNodes()
  const own = nodes.filter(({ Description }) => Description.Hostname === name)
  const found = own.find(({ Status }) => Status.State === 'ready') ?? own[0]
  if (!found) throw new Error(`no node ${name}`)
  return found.ID
}

interface NodeSpec {
  readonly Availability: 'active' | 'pause' | 'drain'
  readonly Role: 'manager' | 'worker'
  readonly Labels: Readonly<Record<string, string>>
}

/** As `docker node update`, whoever else changes the node meanwhile. */
export async function changeNode(
  manager: Docker,
  machine: Pick<SwarmMachine, 'name'>,
  changes: Partial<NodeSpec>,
): Promise<void> {
  const node = manager.getNode(await nodeIdOf(manager, machine))
  const change = async () => {
    const { Version: version, Spec: spec } = await node.inspect()
    await node.update({ _query: { version: version.Index }, _body: { ...spec, ...changes } })
    return true
  }
  await waitUntil(`node ${machine.name} is changed`, change, (done) => done, {
    timeoutMs: 20_000,
    pollMs: 50,
  })
}

/** As `docker node update --availability`. */
export async function setAvailability(
  manager: Docker,
  machine: Pick<SwarmMachine, 'name'>,
  availability: NodeSpec['Availability'],
): Promise<void> {
  await changeNode(manager, machine, { Availability: availability })
}

/** As `docker node promote` and `demote`; resolves when the machine's own engine says that it is so. */
export async function setRole(manager: Docker, machine: SwarmMachine, role: NodeSpec['Role']): Promise<void> {
  await changeNode(manager, machine, { Role: role })
  const own = clientOf(machine.engine)
  await waitUntil(
    `${machine.name} is a ${role}`,
    () => own.info() as Promise<{ Swarm: { ControlAvailable: boolean; LocalNodeState: string } }>,
    ({ Swarm: { ControlAvailable, LocalNodeState } }) =>
      LocalNodeState === 'active' && ControlAvailable === (role === 'manager'),
    { timeoutMs: 60_000, pollMs: 200, describe: ({ Swarm }) => JSON.stringify(Swarm) },
  )
}

/** A machine that was removed from the Swarm becomes a node again. */
export async function rejoin(manager: SwarmMachine, machine: SwarmMachine): Promise<void> {
  const [docker, own] = [clientOf(manager.engine), clientOf(machine.engine)]
  const { JoinTokens: tokens } = await docker.swarmInspect()
  await own.swarmLeave({ force: true }).catch(() => undefined)
  await own.swarmJoin({
    AdvertiseAddr: machine.address,
    ListenAddr: `${machine.address}:2377`,
    RemoteAddrs: [`${manager.address}:2377`],
    JoinToken: tokens.Worker,
  })
  await waitUntil(
    `${machine.name} is ready`,
    async () =>
      (await docker.listNodes()) as { Description: { Hostname: string }; Status: { State: string } }[],
    (nodes) =>
      nodes.some(
        ({ Description, Status }) => Description.Hostname === machine.name && Status.State === 'ready',
      ),
    { timeoutMs: 60_000, pollMs: 200 },
  )
}
