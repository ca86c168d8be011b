import { waitUntil } from '../../../common/wait-until.js'
import { guestNameOf } from '../../../domain/instance/guest-name.js'
import { asked, type Engine } from '../../docker/engine.js'
import { INSTANCE_LABEL, labelsOf } from '../../docker/guest-container.js'
import { hasEnded, lastWord, type SwarmTask, tasksOf } from '../swarm-view.js'

/** How the services that do it are called, after the guest's name. */
export const SWEEP = '-sweep'

const SOCKET = '/var/run/docker.sock'
const SWEEP_MS_MAX = 25_000
/** A container that has just ended holds its volume for a moment. */
const IN_USE = 409

/**
 * Runs in the sweep's container: asks its own engine to remove the volume and, while it is in use, the guest's containers that do not run any
 * more. Docker removes a task's container once; when that fails, or the engine dies meanwhile, the container stays, and holds the volume for
 * good. Without `force` the engine refuses to remove one that runs.
 */
const SCRIPT = `
const [volume, instance] = process.argv.slice(1)
const ask = (method, path) => new Promise((resolve, reject) => {
  require('http').request({ socketPath: '${SOCKET}', method, path }, (answer) => {
    const chunks = []
    answer.on('data', (chunk) => chunks.push(chunk)).once('error', reject)
    answer.once('end', () => resolve({ status: answer.statusCode, text: String(Buffer.concat(chunks)) }))
  }).once('error', reject).end()
})
const users = JSON.stringify({ volume: [volume], label: ['${INSTANCE_LABEL}=' + instance] })
const sweep = async () => {
  const { status, text } = await ask('DELETE', '/volumes/' + volume)
  if (status === 204 || status === 404) return
  if (status !== ${IN_USE}) throw new Error(text)
  const { text: listed } = await ask('GET', '/containers/json?all=1&filters=' + encodeURIComponent(users))
  for (const { Id } of JSON.parse(listed)) await ask('DELETE', '/containers/' + Id)
  setTimeout(sweep, 200)
}
sweep()`

/** Whose volume, on which node, and an image that has node. */
export interface Sweep {
  readonly instanceId: string
  readonly nodeId: string
  readonly image: string
  readonly installation: string
}

/**
 * Removes a guest's volume from its node, with what Docker left there of its containers. Managers cannot ask another node's engine for it, so a task of one run does it there. May be
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
        Command: ['node', '-e', SCRIPT, volume, instanceId],
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
