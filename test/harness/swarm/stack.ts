/* The control plane on the tests' Swarm, by `npm run stack` as its operator runs it on a manager. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { waitUntil } from '../../../common/wait-until.js'
import { buildControlImages, offers } from '../containers/compose.js'
import { clientOf, hostOf } from '../containers/engine.js'
import { clear } from '../places/swarm-place.js'
import { type TroveClient, troveClient } from '../trove-client.js'
import type { SwarmMachine } from './setup.js'

const run = promisify(execFile)
const SCRIPT = join(import.meta.dirname, '..', '..', '..', 'scripts', 'stack.mjs')
const INSTALLATION = 'stacked'

/** A control plane on a Swarm. */
export interface Stacked {
  /** Of each node that has an API. */
  readonly clients: readonly TroveClient[]
  readonly endpoint: string
  readonly token: string
  readonly caFile: string
  /** The overlay network of its guests. */
  readonly network: string
  /** What the command printed. */
  readonly said: string
  /** The command once more. */
  again(): Promise<string>
  docker(...args: readonly string[]): Promise<string>
  down(): Promise<void>
}

/** Builds the images, gives them to the nodes that need them, and runs the one command. `keeper` has the database and the broker. */
export async function stackUp(machines: readonly SwarmMachine[], keeper = machines[0]): Promise<Stacked> {
  const [manager] = machines
  if (!manager || !keeper) throw new Error('a Swarm has at least one machine')
  // A run that was killed leaves its database, which has other passwords.
  await removeVolumes(machines)
  await buildControlImages(manager.engine)
  const images = await shareImages(machines, manager, keeper)
  const dir = mkdtempSync(join(tmpdir(), 'rt-stack-'))
  const env = {
    ...process.env,
    ...images,
    DOCKER_HOST: hostOf(manager.engine),
    REDTROVE_INSTALLATION: INSTALLATION,
    REDTROVE_DOCKER_NETWORK: '10.215',
    REDTROVE_STACK_DIR: dir,
    REDTROVE_STACK_NAME: INSTALLATION,
    REDTROVE_STACK_RESOLVE_IMAGE: 'never',
  }
  const docker = async (...args: readonly string[]) =>
    (await run('docker', [...args], { env, timeout: 120_000 })).stdout
  const up = async () => (await run(process.execPath, [SCRIPT], { env, timeout: 240_000 })).stdout
  const said = await up()
  const tokens: { tokens: { token: string }[] } = JSON.parse(
    readFileSync(join(dir, 'state/secrets/tokens.json'), 'utf8'),
  )
  const token = tokens.tokens[0]?.token ?? ''
  const caFile = join(dir, 'state/tls/ca.pem')
  const endpointAt = ({ address }: SwarmMachine) => `https://${address}:8779/v1.0/demo`
  const placed = await docker(
    'service',
    'ps',
    `${INSTALLATION}_api`,
    '--filter=desired-state=running',
    '--format={{.Node}}',
  )
  const hosts = machines.filter(({ name }) => placed.split('\n').includes(name))
  const clients = hosts.map((host) => troveClient(endpointAt(host), token, readFileSync(caFile, 'utf8')))
  try {
    for (const client of clients) await offers(client)
  } catch (cause) {
    const parts = ['host', 'taskmanager', 'api']
    const logsOf = (part: string) => `docker service logs --tail=12 ${INSTALLATION}_${part} 2>&1`
    const logs = await Promise.all(parts.map((part) => run('sh', ['-c', logsOf(part)], { env })))
    throw new Error(`${(cause as Error).message}\n${logs.map(({ stdout }) => stdout).join('\n')}`, { cause })
  }
  return {
    clients,
    endpoint: endpointAt(hosts[0] ?? manager),
    token,
    caFile,
    network: `redtrove-${INSTALLATION}`,
    said,
    again: up,
    docker,
    down: async () => {
      // The host part would make anew what is removed behind its back.
      await docker('service', 'rm', `${INSTALLATION}_host`)
      await clear(machines, clientOf(manager.engine))
      await docker('stack', 'rm', INSTALLATION)
      await removeVolumes(machines)
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** By id, as on every node that loaded them; what a registry does elsewhere. Answers with the settings that name them. */
async function shareImages(
  machines: readonly SwarmMachine[],
  builder: SwarmMachine,
  keeper: SwarmMachine,
): Promise<Record<string, string>> {
  // The database and the broker stay where they are labelled to be.
  const wanted = {
    POSTGRES_IMAGE: { name: 'postgres:test', nodes: [keeper] },
    RABBITMQ_IMAGE: { name: 'rabbitmq:test', nodes: [keeper] },
    REDTROVE_CONTROL_IMAGE: { name: 'redtrove-control', nodes: machines },
  }
  const named: Record<string, string> = {}
  for (const [setting, { name, nodes }] of Object.entries(wanted)) {
    const image = clientOf(builder.engine).getImage(name)
    const { Id: id } = await image.inspect()
    named[setting] = id
    for (const node of nodes.map(({ engine }) => clientOf(engine))) {
      if ((await node.listImages()).some(({ Id }) => Id === id)) continue
      const answer = await node.loadImage(await image.get())
      await new Promise((resolve, reject) => answer.once('end', resolve).once('error', reject).resume())
    }
  }
  return named
}

async function removeVolumes(machines: readonly SwarmMachine[]): Promise<void> {
  for (const { engine } of machines) {
    const docker = clientOf(engine)
    const volumes = async () =>
      (await docker.listVolumes({ filters: { label: [`com.docker.stack.namespace=${INSTALLATION}`] } }))
        .Volumes ?? []
    await waitUntil(
      'its volumes are removed',
      async () => {
        for (const { Name } of await volumes()) await docker.getVolume(Name).remove()
        return (await volumes()).length
      },
      (left) => left === 0,
      { timeoutMs: 60_000, pollMs: 200 },
    )
  }
}
