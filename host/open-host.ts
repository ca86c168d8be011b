import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { RedtroveError } from '../common/errors.js'
import type { Logger } from '../common/log.js'
import { type Settings, stateLayout } from '../common/settings/settings.js'
import { readAuthorities } from '../common/tls/certificates.js'
import { openDockerHost } from './docker/docker-host.js'
import { connectEngine } from './docker/engine.js'
import { ensureNetwork } from './docker/guest-network.js'
import type { Host } from './host.js'
import { inOrder } from './orders.js'
import { openProcessHost } from './process/process-host.js'
import { openSwarmHost } from './swarm/swarm-host.js'
import { addressInSwarm, ensureOverlay } from './swarm/swarm-network.js'

/** A host part, and where a private broker has to listen so that its guests reach it. */
export interface OpenedHost {
  readonly host: Host
  /** Besides 127.0.0.1. */
  readonly brokerAddress: string | null
}

const AS_ROOT =
  "warning: this runs as root with REDTROVE_COMPUTE=process, so every project's redis-server runs as root and nothing keeps projects apart. Run Redtrove as a user of its own, or set REDTROVE_COMPUTE=docker."

/** The host part that the settings name. `program` is how to run ourselves. */
export async function openHost(
  settings: Settings,
  program: readonly [string, ...string[]],
  log: Logger,
): Promise<OpenedHost> {
  const layout = stateLayout(settings.REDTROVE_STATE_DIR)
  const agent = {
    heartbeatMs: settings.REDTROVE_HEARTBEAT_MS,
    replicationStrategy: settings.REDTROVE_REPLICATION_STRATEGY,
    disklessSync: settings.REDTROVE_REPL_DISKLESS_SYNC,
    disklessSyncDelaySeconds: settings.REDTROVE_REPL_DISKLESS_SYNC_DELAY_SECONDS,
    ...(settings.REDTROVE_FAILPOINT ? { failpoint: settings.REDTROVE_FAILPOINT } : {}),
    logLevel: settings.REDTROVE_LOG_LEVEL,
  }
  const caFile = settings.REDTROVE_AMQP_CA_FILE
  if (settings.REDTROVE_COMPUTE === 'process') {
    if (process.getuid?.() === 0) process.stderr.write(`redtrove: ${AS_ROOT}\n`)
    const broker = { amqpUrlFile: layout.amqpUrl, ...(caFile ? { amqpCaFile: caFile } : {}) }
    const own = { ...agent, ...broker, redisServer: settings.REDTROVE_REDIS_SERVER }
    const { amqpAddress: amqpAddressFile, guests: guestsDir } = layout
    return {
      host: inOrder(openProcessHost({ guestsDir, program, log, agent: own, amqpAddressFile })),
      brokerAddress: null,
    }
  }
  const engine = await connectEngine(settings.REDTROVE_DOCKER_HOST)
  const installation = settings.REDTROVE_INSTALLATION ?? nameOf(settings.REDTROVE_STATE_DIR)
  const amqpUrlBeside = (address: string) => () =>
    guestAmqpUrl(settings, readFileSync(layout.amqpUrl, 'utf8').trim(), address)
  const amqpCa = () => (caFile ? readAuthorities(caFile) : '')
  const storage = {
    driver: settings.REDTROVE_DOCKER_VOLUME_DRIVER,
    options: settings.REDTROVE_DOCKER_VOLUME_OPTIONS ?? {},
  }
  const prefix = settings.REDTROVE_DOCKER_NETWORK
  if (settings.REDTROVE_COMPUTE === 'swarm') {
    const network = await ensureOverlay(engine, installation, prefix)
    const brokerAddress = await addressInSwarm(engine)
    const amqpUrl = amqpUrlBeside(brokerAddress)
    return {
      host: openSwarmHost({ engine, installation, network, storage, amqpUrl, amqpCa, agent, log }),
      brokerAddress,
    }
  }
  const network = await ensureNetwork(engine, installation, prefix)
  const amqpUrl = amqpUrlBeside(network.gateway)
  const own = {
    engine,
    installation,
    network,
    guestsDir: layout.guests,
    amqpUrl,
    amqpCa,
    storage,
    agent,
    log,
  }
  return { host: inOrder(openDockerHost(own)), brokerAddress: network.gateway }
}

function nameOf(stateDir: string): string {
  return createHash('sha256').update(stateDir).digest('hex').slice(0, 12)
}

/** A broker on this machine's loopback is reached over the guests' gateway when it is our own. Fails with `bad_setting` for another's. */
function guestAmqpUrl(settings: Settings, own: string, gateway: string): string {
  if (settings.REDTROVE_GUEST_AMQP_URL) return settings.REDTROVE_GUEST_AMQP_URL
  const url = new URL(own)
  if (!/^(127\.|localhost$|\[::1\]$)/.test(url.hostname)) return own
  if (settings.REDTROVE_AMQP_URL)
    throw new RedtroveError(
      'bad_setting',
      `Containers cannot reach the broker at ${url.host}: set REDTROVE_GUEST_AMQP_URL to an address that they can.`,
    )
  url.hostname = gateway
  return url.href
}
