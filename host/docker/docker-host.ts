/*
 * The docker provider's host part: each guest is a container with a volume and an address of its own. What a guest should be is in
 * its folder here, as with processes; what is, is asked of the engine each time, every other second too, so that a guest which an
 * engine lost in a crash or somebody removed by hand is there again. Guests outlive this process, and the service.
 */
import { mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { pack } from 'tar-stream'
import { openSerials } from '../../common/serial.js'
import { waitUntil } from '../../common/wait-until.js'
import { guestNameOf } from '../../domain/instance/guest-name.js'
import { withoutAccount } from '../../wire/broker/account.js'
import type { GuestSpec, GuestState } from '../../wire/host/guest.js'
import { guestIds, readRecord, removeFolder, writeRecord } from '../guest-files.js'
import { openGuestWatch } from '../guest-watch.js'
import type { Host } from '../host.js'
import { type ContainerHostOptions, guestSeed } from './container-host.js'
import { asked } from './engine.js'
import {
  AMQP_CA_FILE,
  AMQP_URL_FILE,
  containerOptions,
  GUEST_DIR,
  INSTALLATION_LABEL,
  INSTANCE_LABEL,
  SEED_FILE,
  volumeOptions,
} from './guest-container.js'
import { guestImages, imageFor } from './guest-images.js'
import type { GuestNetwork } from './guest-network.js'
import { findVolume, removeWithVolume, volumeGone } from './guest-volume.js'

const START_MS_MAX = 10_000
const KILL_MS_MAX = 8_000
const GUEST_USER = 10_001
const GONE = [404]
/** Not running already, and gone. */
const NOT_RUNNING = [404, 409]

/** One engine's. */
export interface DockerHostOptions extends ContainerHostOptions {
  readonly network: GuestNetwork
  /** Where the record of each guest is. */
  readonly guestsDir: string
}

/** Opens the host over its folder and the engine; nothing is changed until `open` or an order. */
export function openDockerHost(options: DockerHostOptions): Host {
  const { engine, installation, network, guestsDir, agent, log } = options
  mkdirSync(guestsDir, { recursive: true, mode: 0o700 })
  const dirOf = (id: string) => join(guestsDir, id)
  const containerOf = (id: string) => engine.getContainer(guestNameOf(id))
  /** Acts on one guest come one after the other: an order and the watch must not meet in the middle. */
  const inTurn = openSerials()

  async function inspect(id: string): Promise<GuestState> {
    const found = await asked(`look at guest ${id}`, containerOf(id).inspect(), GONE)
    return stateOf(id, found?.State.Running ? found.State.Pid : null, found !== null)
  }

  function stateOf(id: string, pid: number | null, exists: boolean): GuestState {
    const desired = readRecord(dirOf(id))?.desired
    const idle = desired === 'fenced' ? 'fenced' : exists || desired ? 'stopped' : 'absent'
    return { instanceId: id, state: pid === null ? idle : 'running', agentPid: pid, serverPid: pid }
  }

  /** Once in a guest's life. */
  async function makeVolume(spec: GuestSpec): Promise<void> {
    const { instanceId: id } = spec
    const record = readRecord(dirOf(id))
    const found = await findVolume(engine, id)
    if (!found && record?.hasVolume) throw volumeGone(id)
    const wanted = volumeOptions(spec, options.storage, installation)
    if (!found) await asked(`make a volume for guest ${id}`, engine.createVolume(wanted))
    if (record && !record.hasVolume) await writeRecord(dirOf(id), { ...record, hasVolume: true })
  }

  async function make(spec: GuestSpec): Promise<void> {
    const { instanceId: id, datastore } = spec
    const { id: image } = await imageFor(engine, datastore.name, datastore.version)
    await makeVolume(spec)
    const wanted = containerOptions(spec, { image, network: network.name, installation })
    await asked(`make a container for guest ${id}`, engine.createContainer(wanted), [409])
    // Somebody may have removed the volume since; a container holds the one that it was made with.
    if (!(await findVolume(engine, id))) throw volumeGone(id)
  }

  /** Into the volume: the files need no place on this machine that the engine could read, and no secret is in an environment. */
  async function seed(spec: GuestSpec): Promise<void> {
    const archive = pack()
    const own = { mode: 0o600, uid: GUEST_USER, gid: GUEST_USER }
    const content = guestSeed(spec, agent, { amqpUrlFile: AMQP_URL_FILE, amqpCaFile: AMQP_CA_FILE })
    archive.entry({ ...own, name: basename(SEED_FILE) }, content)
    // Before the address, which may be the first that needs it.
    archive.entry({ ...own, name: basename(AMQP_CA_FILE) }, options.amqpCa())
    const url = options.amqpUrl()
    archive.entry({ ...own, name: basename(AMQP_URL_FILE) }, spec.brokerAccount ? withoutAccount(url) : url)
    archive.finalize()
    await asked(
      'write the seed',
      containerOf(spec.instanceId).putArchive(await buffer(archive), { path: GUEST_DIR }),
    )
  }

  async function setRestart(id: string, name: 'no' | 'unless-stopped'): Promise<void> {
    await asked(
      `change when guest ${id} is restarted`,
      containerOf(id).update({ RestartPolicy: { Name: name } }),
      GONE,
    )
  }

  async function kill(id: string): Promise<void> {
    await setRestart(id, 'no')
    await waitUntil(
      `guest ${id} does not run`,
      async () => {
        await asked(`kill guest ${id}`, containerOf(id).kill({ signal: 'SIGKILL' }), NOT_RUNNING)
        return (await asked(`look at guest ${id}`, containerOf(id).inspect(), GONE))?.State
      },
      (state) => !state || (!state.Running && state.Pid === 0),
      { timeoutMs: KILL_MS_MAX, pollMs: 50, describe: (state) => `it is ${state?.Status}` },
    )
  }

  async function run(spec: GuestSpec): Promise<void> {
    await make(spec)
    await seed(spec)
    await setRestart(spec.instanceId, 'unless-stopped')
    await asked(`start guest ${spec.instanceId}`, containerOf(spec.instanceId).start(), [304])
  }

  async function remove(id: string): Promise<void> {
    await removeWithVolume(engine, id)
    removeFolder(dirOf(id))
    log.info({ instanceId: id }, 'guest removed')
  }

  /** What was ordered and is not so: one that should run runs, a fenced one does not, nobody's is removed. */
  async function settle({ instanceId: id, state }: GuestState): Promise<void> {
    const record = readRecord(dirOf(id))
    if (record === null) await remove(id)
    else if (record.desired === 'fenced' && state === 'running') await kill(id)
    else if (record.desired === 'running' && state !== 'running') {
      log.warn({ instanceId: id }, 'guest does not run; it is started')
      await run(record.spec)
    }
  }

  /** Of all that has a folder here or a label there. */
  async function knownIds(): Promise<readonly string[]> {
    const filters = { label: [`${INSTALLATION_LABEL}=${installation}`] }
    const [containers, volumes] = await Promise.all([
      asked('list its containers', engine.listContainers({ all: true, filters })),
      asked('list its volumes', engine.listVolumes({ filters })),
    ])
    const labels = [...(containers ?? []), ...(volumes?.Volumes ?? [])].map(({ Labels }) => Labels)
    return [...new Set([...guestIds(guestsDir), ...labels.flatMap((label) => label?.[INSTANCE_LABEL] ?? [])])]
  }

  const watch = openGuestWatch({
    wrong: knownIds,
    settle: (id) => inTurn(id, async () => settle(await inspect(id))),
    log,
  })

  async function ensure(spec: GuestSpec): Promise<GuestState> {
    const id = spec.instanceId
    const known = readRecord(dirOf(id))
    // The role at birth stays the first one: later roles are the agent's own memory.
    const born = known?.spec ?? spec
    await writeRecord(dirOf(id), { ...known, spec: born, desired: 'running' })
    await run(born)
    return waitUntil(
      `guest ${id} runs`,
      () => inspect(id),
      ({ state }) => state === 'running',
      {
        timeoutMs: START_MS_MAX,
        kind: 'guest_failed',
      },
    )
  }

  async function fence(id: string): Promise<GuestState> {
    const record = readRecord(dirOf(id))
    if (record) await writeRecord(dirOf(id), { ...record, desired: 'fenced' })
    await kill(id)
    log.warn({ instanceId: id }, 'guest fenced')
    return inspect(id)
  }

  /** Every guest is told what it has to know now: the broker may have moved. */
  async function open(): Promise<void> {
    await watch.look()
    for (const id of guestIds(guestsDir)) {
      const record = readRecord(dirOf(id))
      if (record?.desired === 'running') await inTurn(id, () => seed(record.spec))
    }
    watch.start()
  }

  return {
    inspect,
    ensure: (spec) => inTurn(spec.instanceId, () => ensure(spec)),
    // One engine is one host: there is nowhere else.
    move: (spec) => inTurn(spec.instanceId, () => ensure(spec)),
    leaving: async () => [],
    fence: (id) => inTurn(id, () => fence(id)),
    remove: (id) =>
      inTurn(id, async () => {
        await remove(id)
        return inspect(id)
      }),
    offers: async () =>
      (await guestImages(engine)).map(({ datastore, name, version }) => ({ datastore, name, version })),
    open,
    stop: watch.stop,
  }
}
