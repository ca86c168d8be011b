/* The control plane in containers as users bring it up, on an engine of the tests. */
import { execFile } from 'node:child_process'
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { waitUntil } from '../../../common/wait-until.js'
import { freePort } from '../free-port.js'
import { removeGuests } from '../places/docker-place.js'
import { type TroveClient, troveClient } from '../trove-client.js'
import { clientOf, type EnginePlace, hostOf } from './engine.js'
import { buildFrom, importServices } from './images.js'
import { removeNetworks } from './networks.js'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '..', '..', '..')
const FILE = join(ROOT, 'deploy', 'compose.yaml')
const STAND_INS = join(import.meta.dirname, 'stand-ins')
const PROJECT = 'rt'
const PARTS = ['postgres', 'rabbitmq'] as const

/** A control plane that runs. */
export interface Composed {
  /** Clients of both APIs. */
  readonly clients: readonly [TroveClient, TroveClient]
  readonly token: string
  /** Of the first API, as a client is told. */
  readonly endpoint: string
  /** The private CA that was made at the start, PEM, and the same as a file. */
  readonly ca: string
  readonly caFile: string
  /** A docker-compose command. */
  compose(...args: readonly string[]): Promise<string>
  /** Removes it with its volumes. */
  down(): Promise<void>
}

/** Builds what is pulled elsewhere, and the control plane's own image. */
export async function buildControlImages(place: EnginePlace): Promise<void> {
  await importServices(place)
  for (const part of PARTS) {
    const args = ['--build-arg', 'BASE_IMAGE=redtrove-base:services', '--build-arg', `PART=${part}`]
    await run('docker', ['build', '-q', '-t', `${part}:test`, ...args, STAND_INS], { env: envOf(place) })
  }
  // The base with the services has openssl too, so that nothing is downloaded.
  await buildFrom(place, 'control=redtrove-base:services')
}

/** One command, and then until both APIs answer. */
export async function composeUp(place: EnginePlace): Promise<Composed> {
  const ports = [await freePort(), await freePort()] as const
  const env = {
    ...envOf(place),
    POSTGRES_IMAGE: 'postgres:test',
    RABBITMQ_IMAGE: 'rabbitmq:test',
    REDTROVE_INSTALLATION: 'composed',
    REDTROVE_DOCKER_NETWORK: '172.31',
    REDTROVE_API_1: `127.0.0.1:${ports[0]}`,
    REDTROVE_API_2: `127.0.0.1:${ports[1]}`,
    DOCKER_SOCKET: join(place.runDir, 'docker.sock'),
    DOCKER_GID: String(statSync(join(place.runDir, 'docker.sock')).gid),
  }
  const compose = async (...args: readonly string[]) =>
    (await run('docker-compose', ['-p', PROJECT, '-f', FILE, ...args], { env, timeout: 180_000 })).stdout
  // A run that was killed leaves its volumes, and with them its database.
  await compose('down', '-v', '-t', '1')
  await compose('up', '-d')
  const madeBy = (file: string, begins: string) =>
    waitUntil(
      `${file} is made`,
      () => compose('exec', '-T', 'api-1', 'cat', `/var/lib/redtrove/${file}`).catch(String),
      (text) => text.startsWith(begins),
      { timeoutMs: 90_000, pollMs: 500 },
    )
  const { token }: { token: string } = JSON.parse(await madeBy('secrets/tokens.json', '{')).tokens[0]
  const ca = await madeBy('tls/ca.pem', '-----BEGIN')
  const caFile = join(place.runDir, 'composed-ca.pem')
  writeFileSync(caFile, ca)
  const endpointAt = (port: number) => `https://localhost:${port}/v1.0/demo`
  const clientAt = (port: number) => troveClient(endpointAt(port), token, ca)
  const clients = [clientAt(ports[0]), clientAt(ports[1])] as const
  try {
    for (const client of clients) await offers(client)
  } catch (cause) {
    const logs = await compose('logs', '--no-color', '--tail=40')
    throw new Error(`${(cause as Error).message}\n${logs}`, { cause })
  }
  return {
    clients,
    token,
    endpoint: endpointAt(ports[0]),
    ca,
    caFile,
    compose,
    down: async () => {
      // The host part would make anew what is removed behind its back.
      await compose('stop', '-t', '10', 'host')
      const docker = clientOf(place)
      await removeGuests(docker)
      await compose('stop', '-t', '20')
      await compose('rm', '--force')
      const label = [`com.docker.compose.project=${PROJECT}`]
      const { Volumes: volumes } = await docker.listVolumes({ filters: { label } })
      for (const { Name } of volumes ?? []) await docker.getVolume(Name).remove()
      await removeNetworks(docker, label)
    },
  }
}

/** The API answers, and the host part has said what can be run. */
export async function offers(client: TroveClient): Promise<void> {
  await waitUntil(
    'a datastore is offered',
    () =>
      client
        .send<{ datastores: readonly unknown[] }>('GET', '/datastores')
        .then(({ status, body }) => (status === 200 ? body.datastores.length : status))
        .catch(String),
    (seen) => typeof seen === 'number' && seen > 0 && seen < 100,
    { timeoutMs: 90_000, pollMs: 200 },
  )
}

function envOf(place: EnginePlace): Record<string, string | undefined> {
  return { ...process.env, DOCKER_HOST: hostOf(place), DOCKER_BUILDKIT: '0', COMPOSE_DOCKER_CLI_BUILD: '0' }
}
