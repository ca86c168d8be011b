import type { Clock } from '../common/clock.js'
import { messageOf } from '../common/errors.js'
import { failpoint } from '../common/failpoint.js'
import type { Logger } from '../common/log.js'
import { openSerial, type Serial } from '../common/serial.js'
import type { Credentials } from '../domain/replication/credentials.js'
import { atRest } from '../wire/agent/password-hash.js'
import type { AgentSeed } from '../wire/agent/seed.js'
import type { GuestMessaging } from '../wire/messaging.js'
import { openAcceptedState } from './memory/accepted.js'
import { lockFolder } from './memory/agent-lock.js'
import { agentSecret } from './memory/agent-secret.js'
import { forgetAside } from './memory/damaged-files.js'
import { lastingMemory } from './memory/lasting-memory.js'
import { startHeartbeat } from './observe/heartbeat.js'
import { watchLog } from './observe/log-watch.js'
import { memoryWatch } from './observe/memory-watch.js'
import { observer as openObserver } from './observe/observer.js'
import { guestPaths, makeGuestFolders } from './paths.js'
import { roleActs } from './role/acts.js'
import { roleKeeper } from './role/keeper.js'
import { linkCutter } from './role/link-cut.js'
import { pauseKeeper } from './role/pause.js'
import { afterPause } from './role/write-pause.js'
import { stopKeepingPosition } from './server/restart.js'
import { type ManagedServer, managedServer } from './server/server.js'
import { guestService } from './service.js'
import { replicationStrategy } from './strategies/replication/index.js'

/** How long a clean stop may save data before redis-server is killed. */
const STOP_MS_MAX = 8_000

/** A running agent. */
export interface Agent {
  /**
   * Ends the agent; with the server, which saves its data, or without it, to be adopted by the next agent. Asked at the last moment, since
   * the wish to stop both may follow the other.
   */
  close(options: { readonly withServer: () => boolean }): Promise<void>
}

/** What an agent is made of; a test brings its own messaging. */
export interface AgentOptions {
  readonly seed: AgentSeed
  readonly messaging: GuestMessaging
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Wires the parts of one agent, adopts or starts its redis-server, and serves. Fails with `conflict` when another agent has the
 * folder, `guest_failed` when what it must not forget cannot be read.
 */
export async function openAgent({ seed, messaging, clock, log }: AgentOptions): Promise<Agent> {
  const paths = guestPaths(seed.dir)
  makeGuestFolders(paths)
  const unlock = await lockFolder(paths)
  try {
    const agentPassword = await agentSecret(paths.agentSecret)
    const kept = (credentials: Credentials) => (hasAccounts(server) ? atRest(credentials) : credentials)
    const accepted = await openAcceptedState(paths.state, seed.spec.assignment, kept)
    const strategy = replicationStrategy(seed)
    let kick: () => void = () => undefined
    let stir: () => void = () => undefined
    const control = stirring(openSerial(), () => stir())
    const server = managedServer({ seed, paths, accepted, strategy, agentPassword, clock, log }, () => kick())
    const dataBytes = seed.spec.maxMemoryBytes
    const acts = roleActs({ server, accepted, strategy, dataBytes, clock, log })
    const roles = roleKeeper({ server, accepted, acts, control, ask: messaging.ask, clock, log })
    const remember = lastingMemory(accepted, paths.hadData, clock)
    const forget = forgetAside(paths.data)
    const observer = openObserver({
      server,
      accepted,
      dataDir: paths.data,
      clock,
      roleFault: roles.fault,
      isEmptied: roles.isEmptied,
      remember: async (seen) => {
        await remember(seen)
        forget(seen)
      },
      memory: memoryWatch(dataBytes, clock),
    })
    const pause = pauseKeeper(clock, () => {
      control(() => afterPause({ server, accepted, roles, pause })).catch((error: unknown) =>
        log.warn({ reason: messageOf(error) }, 'pause not tidied'),
      )
    })
    const link = linkCutter({ server, acts, observer, control, clock, log })
    await server.open()
    // Agents before this one kept passwords in the clear.
    await accepted.update({})
    const heartbeat = startHeartbeat({
      observer,
      server,
      report: messaging.report,
      watch: (onWritten) => watchLog(paths.log, onWritten, log),
      heartbeatMs: seed.heartbeatMs,
      clock,
      log,
    })
    stir = heartbeat.stir
    kick = () => {
      roles.kick()
      heartbeat.kick()
    }
    messaging.serve(
      guestService({
        server,
        accepted,
        observer,
        acts,
        roles,
        link,
        strategy,
        pause,
        control,
        failpoint: failpoint(seed.failpoint),
        clock,
        log,
      }),
    )
    messaging.onConnected(() => kick())
    kick()
    return {
      close: async ({ withServer }) => {
        await heartbeat.stop()
        roles.close()
        link.close()
        pause.end()
        if (withServer()) {
          await stopKeepingPosition({ server, accepted }, { timeoutMs: STOP_MS_MAX, force: true }).catch(
            (error: unknown) => log.error({ reason: messageOf(error) }, 'redis-server could not be stopped'),
          )
        }
        server.release()
        await unlock()
      },
    }
  } catch (error) {
    await unlock()
    throw error
  }
}

/** Whatever changes the server is followed by looks. */
function stirring(inLine: Serial, stir: () => void): Serial {
  return (act) => inLine(act).finally(stir)
}

/** False also while it is not known what the server can: there was no start of it yet. */
function hasAccounts(server: ManagedServer): boolean {
  try {
    return server.can().acl
  } catch {
    return false
  }
}
