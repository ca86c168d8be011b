import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { systemClock } from '../common/clock.js'
import { type AgentSeed, agentSeedSchema } from '../common/contracts/agent-seed.js'
import { messageOf, RedtroveError } from '../common/errors.js'
import { createLogger, type Logger } from '../common/log.js'
import { openGuestMessaging } from '../common/rpc/guest-messaging.js'
import { openAcceptedState } from './accepted.js'
import { lockFolder } from './agent-lock.js'
import { agentSecret } from './agent-secret.js'
import { startHeartbeat } from './heartbeat.js'
import { observer as openObserver } from './observer.js'
import { guestPaths, makeGuestFolders } from './paths.js'
import { roleKeeper } from './role-keeper.js'
import { type ManagedServer, managedServer } from './server.js'
import { guestService } from './service.js'
import { replicationStrategy } from './strategies/replication/index.js'

/** How long a clean stop may save data before redis-server is killed. */
const STOP_MS_MAX = 8_000

/**
 * Runs the agent of one guest until it is told to stop: SIGTERM or SIGINT stops redis-server cleanly and then the agent; SIGHUP
 * stops the agent alone, as its sudden death would, and the next agent takes the running server over.
 */
export async function main({ seedFile }: { readonly seedFile: string }): Promise<void> {
  const seed = readSeed(seedFile)
  const log = createLogger('guestagent', seed.logLevel).child({ instanceId: seed.spec.instanceId })
  const stop = untilTold()
  const paths = guestPaths(seed.dir)
  makeGuestFolders(paths)
  const unlock = await lockFolder(paths)
  const clock = systemClock
  const agentPassword = await agentSecret(paths.agentSecret)
  const accepted = await openAcceptedState(paths.state, seed.spec.assignment)
  const strategy = replicationStrategy(seed)
  const messaging = openGuestMessaging({
    url: readFileSync(seed.amqpUrlFile, 'utf8').trim(),
    instanceId: seed.spec.instanceId,
    key: Buffer.from(seed.spec.sealKey, 'hex'),
    bootId: randomUUID(),
    log,
  })
  const server: ManagedServer = managedServer(
    { seed, paths, accepted, strategy, agentPassword, clock, log },
    () => {
      roles.kick()
      heartbeat?.kick()
    },
  )
  const roles = roleKeeper({ server, accepted, strategy, ask: messaging.ask, clock, log })
  const observer = openObserver({ server, accepted, dataDir: paths.data, clock, roleFault: roles.fault })
  messaging.serve(guestService({ server, accepted, roles, observer, strategy, clock, log }))
  let heartbeat: ReturnType<typeof startHeartbeat> | undefined
  if ((await server.open()) === 'adopted') roles.adopted()
  heartbeat = startHeartbeat({
    observer,
    server,
    accepted,
    report: messaging.report,
    heartbeatMs: seed.heartbeatMs,
    hadDataMarker: paths.hadData,
    clock,
    log,
  })
  messaging.onConnected(() => {
    roles.kick()
    heartbeat?.kick()
  })
  roles.kick()
  const withServer = await stop
  await heartbeat.stop()
  roles.close()
  if (withServer) await stopServer(server, accepted.update, log)
  server.release()
  await messaging.close()
  await unlock()
}

async function stopServer(
  server: ManagedServer,
  update: (change: { startFromRdb: boolean }) => Promise<void>,
  log: Logger,
): Promise<void> {
  try {
    const saved = await server.stop({ timeoutMs: STOP_MS_MAX, force: true })
    if (saved) await update({ startFromRdb: server.can().resumesFromRdb })
  } catch (error) {
    log.error({ reason: messageOf(error) }, 'redis-server could not be stopped')
  }
}

/** Resolves with whether redis-server is to stop too. A second signal ends the process at once. */
function untilTold(): Promise<boolean> {
  return new Promise((resolve) => {
    let told = false
    const tell = (withServer: boolean) => () => {
      if (told) process.exit(1)
      told = true
      resolve(withServer)
    }
    process.on('SIGTERM', tell(true))
    process.on('SIGINT', tell(true))
    process.on('SIGHUP', tell(false))
  })
}

function readSeed(file: string): AgentSeed {
  try {
    return agentSeedSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (cause) {
    throw new RedtroveError('bad_setting', `The seed file ${file} cannot be used: ${messageOf(cause)}`, {
      cause,
    })
  }
}
