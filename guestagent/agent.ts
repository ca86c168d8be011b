import type { Clock } from '../common/clock.js'
import type { AgentSeed } from '../common/contracts/agent-seed.js'
import type { Credentials } from '../common/domain/credentials.js'
import { messageOf } from '../common/errors.js'
import { failpoint } from '../common/failpoint.js'
import type { Logger } from '../common/log.js'
import type { GuestMessaging } from '../common/rpc/messaging.js'
import { atRest } from '../common/secrets/password-hash.js'
import { openSerial, type Serial } from '../common/serial.js'
import { openAcceptedState } from './accepted.js'
import { lockFolder } from './agent-lock.js'
import { agentSecret } from './agent-secret.js'
import { forgetAside } from './damaged-files.js'
import { startHeartbeat } from './heartbeat.js'
import { linkCutter } from './link-cut.js'
import { lastingMemory } from './memory.js'
import { memoryWatch } from './memory-watch.js'
import { observer as openObserver } from './observer.js'
import { guestPaths, makeGuestFolders } from './paths.js'
import { pauseKeeper } from './pause.js'
import { watchLog } from './redis/log-watch.js'
import { stopKeepingPosition } from './restart.js'
import { roleActs } from './role-acts.js'
import { roleKeeper } from './role-keeper.js'
import { type ManagedServer, managedServer } from './server.js'
import { guestService } from './service.js'
import { replicationStrategy } from './strategies/replication/index.js'
import { afterPause } from './write-pause.js'

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
    const inLine = openSerial()
    let kick: () => void = () => undefined
    let stir: () => void = () => undefined
    const control: Serial = (act) => inLine(act).finally(() => stir())
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
    const logWatch = watchLog(paths.log, () => stir(), log)
    const heartbeat = startHeartbeat({
      observer,
      server,
      report: messaging.report,
      logIsWatched: logWatch.works,
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
        logWatch.close()
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

/** False also while it is not known what the server can: there was no start of it yet. */
function hasAccounts(server: ManagedServer): boolean {
  try {
    return server.can().acl
  } catch {
    return false
  }
}
