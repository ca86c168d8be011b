/* What an engine does with volumes unasked: one that is removed between two requests of ours comes back empty, another is hidden by its driver. */
import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ContainerCreateOptions } from 'dockerode'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { createLogger } from '../../common/log.js'
import { guestNameOf } from '../../domain/instance/guest-name.js'
import { openDockerHost } from '../../host/docker/docker-host.js'
import { labelsOf, type Storage } from '../../host/docker/guest-container.js'
import { ensureNetwork, type GuestNetwork } from '../../host/docker/guest-network.js'
import type { Host } from '../../host/host.js'
import { clientOf, killEngine, startEngine } from '../harness/containers/engine.js'
import { PLUGIN_SOCKET, SIZED_DRIVER } from '../harness/containers/volume-plugin.js'
import { aGuestSpec } from '../harness/guest.js'
import { removeGuests } from '../harness/places/docker-place.js'

const INSTALLATION = 'volume-races'
const ORDER = { epoch: 1, attempt: 1 }
const engine = inject('engine')
const docker = clientOf(engine)
const guestsDir = mkdtempSync(join(tmpdir(), 'rt-races-'))
let network: GuestNetwork

beforeAll(async () => {
  network = await ensureNetwork(docker, INSTALLATION, '172.27')
})
afterAll(async () => {
  await removeGuests(docker)
  rmSync(guestsDir, { recursive: true })
})

it('a guest whose volume is removed while its container is made is not started, and no volume stays', async () => {
  const { spec, container, volume } = await born('172.27.0.11')
  await container.remove({ force: true })
  await expect(host({ before: removesVolume }).ensure(spec, ORDER)).rejects.toThrow(
    /volume .* is gone, and the data with it/,
  )
  await expect(container.inspect()).rejects.toThrow(/no such container/i)
  await expect(volume.inspect()).rejects.toThrow(/no such volume/i)
  await expect(host().ensure(spec, ORDER)).rejects.toThrow(/is gone/)
  await host().remove(spec.instanceId, ORDER)
})

it('the same of a host part that ended in the middle: the next one clears it away', async () => {
  const { spec, container, volume } = await born('172.27.0.12')
  await container.remove({ force: true })
  await expect(host({ before: removesVolume, after: ends }).ensure(spec, ORDER)).rejects.toThrow(/ended/)
  expect((await volume.inspect()).Labels).toMatchObject(labelsOf(spec.instanceId, INSTALLATION))
  await expect(host().ensure(spec, ORDER)).rejects.toThrow(/is gone/)
  await expect(container.inspect()).rejects.toThrow(/no such container/i)
  await expect(volume.inspect()).rejects.toThrow(/no such volume/i)
  await host().remove(spec.instanceId, ORDER)
})

it("an operator's own volume in the place of a lost one is taken", async () => {
  const { spec, container, volume } = await born('172.27.0.13')
  await container.remove({ force: true })
  await volume.remove()
  await docker.createVolume({ Name: volume.name })
  expect(await host().ensure(spec, ORDER)).toMatchObject({ state: 'running' })
  await host().remove(spec.instanceId, ORDER)
  await expect(volume.inspect()).rejects.toThrow(/no such volume/i)
})

it('a volume whose driver is not there yet when the engine comes back is not called gone', async () => {
  const storage = { driver: SIZED_DRIVER, options: { size: '{gb}' } }
  const { spec, container } = await born('172.27.0.14', storage)
  await killEngine(engine)
  renameSync(PLUGIN_SOCKET, `${PLUGIN_SOCKET}.away`)
  try {
    await startEngine(engine)
    await container.remove({ force: true })
    const refused = host({ storage }).ensure(spec, ORDER)
    await expect(refused).rejects.toThrow(/look at the volume of guest .* plugin .*sized.* not found/)
  } finally {
    renameSync(`${PLUGIN_SOCKET}.away`, PLUGIN_SOCKET)
  }
  expect(await host({ storage }).ensure(spec, ORDER)).toMatchObject({ state: 'running' })
  await host({ storage }).remove(spec.instanceId, ORDER)
})

type Race = (volume: string) => Promise<void>

interface Circumstances {
  readonly before: Race
  readonly after: Race
  readonly storage: Storage
}

const LOCAL: Storage = { driver: 'local', options: {} }

async function removesVolume(volume: string): Promise<void> {
  await docker.getVolume(volume).remove()
}

/** After what it made. */
async function ends(): Promise<void> {
  throw new Error('the host part has ended')
}

/** The host part, with what happens right before and right after it has a container made. */
function host({ before, after, storage = LOCAL }: Partial<Circumstances> = {}): Host {
  const client = clientOf(engine)
  const create = client.createContainer.bind(client)
  Object.assign(client, {
    createContainer: async (options: ContainerCreateOptions) => {
      await before?.(options.name ?? '')
      const made = await create(options)
      await after?.(options.name ?? '')
      return made
    },
  })
  return openDockerHost({
    engine: client,
    installation: INSTALLATION,
    network,
    guestsDir,
    storage,
    // Nobody listens there: a guest that waits for its broker will do.
    amqpUrl: () => `amqp://${network.gateway}:1`,
    amqpCa: () => '',
    agent: {
      heartbeatMs: 1000,
      replicationStrategy: 'redis-sync',
      disklessSync: true,
      disklessSyncDelaySeconds: 0,
      logLevel: 'silent',
    },
    log: createLogger('volume-races', 'silent'),
  })
}

/** A guest that runs, with what it has on the engine. */
async function born(address: string, storage = LOCAL) {
  const spec = aGuestSpec({ endpoint: { host: address, port: 6379 } })
  const name = guestNameOf(spec.instanceId)
  await host({ storage }).ensure(spec, ORDER)
  return { spec, container: docker.getContainer(name), volume: docker.getVolume(name) }
}
