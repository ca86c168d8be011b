import type Docker from 'dockerode'
import { waitUntil } from '../../../common/wait-until.js'
import { clientOf, hostOf } from '../containers/engine.js'
import { witness } from '../evidence.js'
import { startStack } from '../stack.js'
import { openRelay, type Relay } from '../swarm/relay.js'
import type { SwarmMachine } from '../swarm/setup.js'
import { pidsIn, removeGuests, tellContainers } from './docker-place.js'
import type { Place } from './place.js'

const INSTALLATION = 'swarmed'
const NETWORK = `redtrove-${INSTALLATION}`
const OURS = { label: ['redtrove.installation'] }

/** Guests as services of a Swarm, with the control plane on its manager's machine, as `npm start` there runs it. */
export function swarmPlace(
  machines: readonly SwarmMachine[],
  env: Readonly<Record<string, string>> = {},
): Place {
  const [manager] = machines
  if (!manager) throw new Error('a Swarm has at least one machine')
  const docker = clientOf(manager.engine)
  let relay: Relay | null = null
  return {
    name: 'swarm',
    open: (options) => {
      for (const { name, engine } of machines)
        witness(`containers of ${name}`, () => tellContainers(clientOf(engine)))
      return startStack({
        ...options,
        networkOfPid: manager.pid,
        reach: async (endpoint) => {
          relay ??= await openRelay(docker, NETWORK, await someImage(docker))
          return relay.reach(endpoint)
        },
        env: {
          REDTROVE_COMPUTE: 'swarm',
          REDTROVE_DOCKER_HOST: hostOf(manager.engine),
          REDTROVE_DOCKER_NETWORK: '10.214',
          REDTROVE_INSTALLATION: INSTALLATION,
          REDTROVE_API_HOST: manager.address,
          ...env,
        },
      })
    },
    freeze: async (_stack, id) => {
      const { container } = await taskOf(machines, id)
      await container.pause()
      return async () => {
        // Fenced: it does not run any more, which is the point.
        await container.unpause().catch(() => undefined)
      }
    },
    pids: async (_stack, id) => pidsIn((await taskOf(machines, id)).container),
    left: () => left(machines, docker),
    close: async (stack) => {
      await relay?.close()
      relay = null
      await stack.stop()
      await clear(machines, docker)
    },
  }
}

/** The container of an instance that runs, and whose it is. */
export async function taskOf(
  machines: readonly SwarmMachine[],
  id: string,
): Promise<{ readonly container: Docker.Container; readonly machine: SwarmMachine }> {
  const filters = { label: [`redtrove.instance=${id}`] }
  for (const machine of machines) {
    const docker = clientOf(machine.engine)
    const [found] = await docker.listContainers({ filters })
    if (found) return { container: docker.getContainer(found.Id), machine }
  }
  throw new Error(`no container of ${id} runs`)
}

/** Waits until another container than `before` runs an instance. */
export async function untilMadeAgain(
  machines: readonly SwarmMachine[],
  id: string,
  before: Docker.Container,
): Promise<Awaited<ReturnType<typeof taskOf>>> {
  return waitUntil(
    'it runs again',
    () => taskOf(machines, id),
    ({ container }) => container.id !== before.id,
    { timeoutMs: 30_000, pollMs: 100, describe: () => 'the container from before' },
  )
}

/** Waits until each of these instances runs on another machine than this. */
export async function untilEmptied(
  machines: readonly SwarmMachine[],
  machine: SwarmMachine,
  ids: readonly string[],
): Promise<void> {
  const nameOf = async (id: string) => (await taskOf(machines, id).catch(() => ({ machine }))).machine.name
  await waitUntil(
    `no member is on ${machine.name}`,
    () => Promise.all(ids.map(nameOf)),
    (names) => !names.includes(machine.name),
    { timeoutMs: 90_000, pollMs: 500 },
  )
}

/** An image that has node, on this engine. */
export async function someImage(docker: Docker): Promise<string> {
  const [image] = await docker.listImages({ filters: { label: ['redtrove.datastore'] } })
  return image?.Id ?? ''
}

/** Services, records, secrets of guests and volumes, wherever they are. */
async function left(machines: readonly SwarmMachine[], docker: Docker): Promise<readonly string[]> {
  const filters = { label: ['redtrove.instance'] }
  const services = await docker.listServices({ filters })
  const configs = await docker.listConfigs({ filters })
  const secrets = (await docker.listSecrets({ filters })) as unknown as typeof configs
  const kept = await Promise.all(
    machines.map(async ({ name, engine }) => {
      const { Volumes: volumes } = await clientOf(engine).listVolumes({ filters: OURS })
      return (volumes ?? []).map(({ Name }) => `${name}: volume ${Name}`)
    }),
  )
  return [...[...services, ...configs, ...secrets].map(({ Spec }) => Spec?.Name ?? ''), ...kept.flat()]
}

/** Removes what guests have on a Swarm and its machines. */
export async function clear(machines: readonly SwarmMachine[], docker: Docker): Promise<void> {
  for (const { ID } of (await docker.listServices({ filters: OURS })) as { ID: string }[])
    await docker.getService(ID).remove()
  for (const { ID } of await docker.listConfigs({ filters: OURS })) await docker.getConfig(ID).remove()
  await waitUntil(
    'no task is left',
    async () =>
      (
        await Promise.all(
          machines.map(({ engine }) =>
            clientOf(engine).listContainers({ filters: { label: ['redtrove.instance'] } }),
          ),
        )
      ).flat(),
    (containers) => containers.length === 0,
    { timeoutMs: 30_000, pollMs: 100 },
  )
  for (const { ID } of (await docker.listSecrets({ filters: OURS })) as unknown as { ID: string }[])
    await docker.getSecret(ID).remove()
  for (const { engine } of machines) await removeGuests(clientOf(engine))
  const overlays = () => docker.listNetworks({ filters: { ...OURS, driver: ['overlay'] } })
  await waitUntil(
    'its networks are removed',
    async () => {
      // One is in use until every node has said that its last task is gone.
      for (const { Id } of await overlays())
        await docker
          .getNetwork(Id)
          .remove()
          .catch(() => undefined)
      return (await overlays()).length
    },
    (left) => left === 0,
    { timeoutMs: 30_000, pollMs: 200 },
  )
}
