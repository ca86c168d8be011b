import { guestNameOf } from '../../common/domain/guest-name.js'
import { waitUntil } from '../../common/wait-until.js'
import { asked, type Engine } from '../docker/engine.js'
import { labelsOf } from '../docker/guest-container.js'
import { hasEnded, lastWord, type SwarmTask, tasksOf } from './swarm-view.js'

/** How the services that do it are called, after the guest's name. */
export const SWEEP = '-sweep'

const SOCKET = '/var/run/docker.sock'
const SWEEP_MS_MAX = 25_000
/** A container that has just ended holds its volume for a moment. */
const IN_USE = 409

/** Runs in the sweep's container: asks its own engine to remove the volume that its argument names. */
const SCRIPT = `
const ask = () => require('http')
  .request({ socketPath: '${SOCKET}', method: 'DELETE', path: '/volumes/' + process.argv[1] }, (answer) => {
    answer.resume()
    if (answer.statusCode === ${IN_USE}) setTimeout(ask, 200)
    else process.exit(answer.statusCode === 204 || answer.statusCode === 404 ? 0 : 1)
  })
  .on('error', () => process.exit(1))
  .end()
ask()`

/** Whose volume, on which node, and an image that has node. */
export interface Sweep {
  readonly instanceId: string
  readonly nodeId: string
  readonly image: string
  readonly installation: string
}

/**
 * Removes a guest's volume from its node. Managers cannot ask another node's engine for it, so a task of one run does it there. May be
 * repeated; fails with `guest_timeout`, saying what the task last said, when the node did not do it in time.
 */
export async function sweepVolume(
  engine: Engine,
  { instanceId, nodeId, image, installation }: Sweep,
): Promise<void> {
  const volume = guestNameOf(instanceId)
  const name = `${volume}${SWEEP}`
  const service = engine.getService(name)
  const isDone = (tasks: readonly SwarmTask[]) => tasks.some(({ Status }) => Status.State === 'complete')
  /** Another host part may do the same at the same moment, and end it; then it is made once more, and finds nothing left to do. */
  const look = async () => {
    const tasks = await tasksOf(engine, name)
    if (tasks.length === 0) await asked(`sweep ${volume}`, engine.createService(spec), [409])
    else if (!isDone(tasks) && tasks.every(hasEnded))
      await asked(`end a sweep of ${volume} that failed`, service.remove(), [404])
    return tasks
  }
  const spec = {
    Name: name,
    Labels: labelsOf(instanceId, installation),
    Mode: { Replicated: { Replicas: 1 } },
    TaskTemplate: {
      ContainerSpec: {
        Image: image,
        Command: ['node', '-e', SCRIPT, volume],
        User: '0:0',
        Mounts: [{ Type: 'bind' as const, Source: SOCKET, Target: SOCKET }],
      },
      RestartPolicy: { Condition: 'none' },
      Placement: { Constraints: [`node.id==${nodeId}`] },
    },
  }
  try {
    await waitUntil(`the volume of guest ${instanceId} is removed on its node`, look, isDone, {
      timeoutMs: SWEEP_MS_MAX,
      pollMs: 200,
      describe: lastWord,
    })
  } finally {
    await asked(`end the sweep of ${volume}`, service.remove(), [404])
  }
}
