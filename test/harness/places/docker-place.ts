import type Docker from 'dockerode'
import { clientOf, type EnginePlace, hostOf } from '../containers/engine.js'
import { removeNetworks } from '../containers/networks.js'
import { witness } from '../evidence.js'
import { startStack } from '../stack.js'
import type { Place } from './place.js'

/** Guests as containers of an engine. */
export function dockerPlace(engine: EnginePlace, env: Readonly<Record<string, string>> = {}): Place {
  const docker = clientOf(engine)
  const container = (id: string) => docker.getContainer(`redtrove-${id}`)
  return {
    name: 'docker',
    open: (options) => {
      witness('containers', () => tellContainers(docker))
      return startStack({
        ...options,
        env: { REDTROVE_COMPUTE: 'docker', REDTROVE_DOCKER_HOST: hostOf(engine), ...env },
      })
    },
    freeze: async (_stack, id) => {
      await container(id).pause()
      return async () => {
        // Fenced: it does not run any more, which is the point.
        await container(id)
          .unpause()
          .catch(() => undefined)
      }
    },
    pids: (_stack, id) => pidsIn(container(id)),
    left: () => ours(docker),
    close: async (stack) => {
      await stack.stop()
      await removeGuests(docker)
    },
  }
}

const OURS = { label: ['redtrove.installation'] }

/** Removes what installations have on an engine. */
export async function removeGuests(docker: Docker): Promise<void> {
  for (const info of await docker.listContainers({ all: true, filters: OURS }))
    await docker.getContainer(info.Id).remove({ force: true, v: true })
  for (const { Name } of (await docker.listVolumes({ filters: OURS })).Volumes ?? [])
    await docker.getVolume(Name).remove()
  await removeNetworks(docker, OURS.label)
}

/** Names of all containers and volumes that installations have here. */
async function ours(docker: Docker): Promise<readonly string[]> {
  const containers = await docker.listContainers({ all: true, filters: OURS })
  const { Volumes: volumes } = await docker.listVolumes({ filters: OURS })
  return [...containers.flatMap(({ Names }) => Names), ...(volumes ?? []).map(({ Name }) => `volume ${Name}`)]
}

/** State and last lines of every container that installations have on an engine. */
export async function tellContainers(docker: Docker): Promise<string> {
  const found = await docker.listContainers({ all: true, filters: OURS })
  const told = found.map(async ({ Id, Names, Status }) => {
    const output = { stdout: true, stderr: true, tail: 12 }
    const lines = await docker.getContainer(Id).logs(output)
    return `${Names.join(' ')} ${Status}\n${lines.toString('utf8')}`
  })
  return (await Promise.all(told)).join('\n')
}

/** Pids on this machine of agent and server in a container; 0 for one that does not run. */
export async function pidsIn(container: Docker.Container): Promise<{ agentPid: number; serverPid: number }> {
  const { Processes: processes }: { Processes: string[][] } = await container.top({ ps_args: '-eo pid,args' })
  const pidOf = (what: RegExp) => Number(processes.find((row) => what.test(row.at(-1) ?? ''))?.[0] ?? 0)
  return { agentPid: pidOf(/^node /), serverPid: pidOf(/(redis|valkey)-server/) }
}
