/* What is left of guests on one node of the tests' Swarm: their volumes, and the containers that hold them. */
import { waitUntil } from '../../../common/wait-until.js'
import { clientOf } from '../containers/engine.js'
import { taskOf } from '../places/swarm-place.js'
import type { SwarmMachine } from './setup.js'

const GUESTS = { label: ['redtrove.instance'] }

/** A container of a guest beside its present one, as Docker leaves it when its one try to remove a task's container fails. */
export async function leaveContainer(machines: readonly SwarmMachine[], id: string): Promise<void> {
  const { machine, container } = await taskOf(machines, id)
  const { Image, Config: config } = await container.inspect()
  await clientOf(machine.engine).createContainer({
    Image,
    Labels: config.Labels,
    HostConfig: { Binds: [`redtrove-${id}:/guest`] },
  })
}

/** Waits until no guest has a volume on a machine. */
export async function untilNoVolume({ engine, name }: SwarmMachine): Promise<void> {
  const docker = clientOf(engine)
  const left = async () => {
    const { Volumes: volumes } = await docker.listVolumes({ filters: GUESTS })
    const containers = await docker.listContainers({ all: true, filters: GUESTS })
    return {
      volumes: (volumes ?? []).map((volume) => volume.Name),
      containers: containers.map(({ Names, Status }) => `${Names[0]} ${Status}`),
    }
  }
  await waitUntil(`no volume is left on ${name}`, left, ({ volumes }) => volumes.length === 0, {
    timeoutMs: 60_000,
    pollMs: 500,
  })
}
