/*
 * The process provider's host part: it owns the guests of this machine. What a guest should be is in its folder, so a host that
 * was killed goes on where it was; who runs is looked up in /proc each time, so nothing that is remembered can be wrong.
 */
import { mkdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { isKind, RedtroveError } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import { waitUntil } from '../../common/wait-until.js'
import type { AgentSeed } from '../../wire/agent/seed.js'
import type { GuestSpec, GuestState } from '../../wire/host/guest.js'
import { guestIds, readRecord, removeFolder, writeRecord, writeSeed } from '../guest-files.js'
import type { Host } from '../host.js'
import { type AgentKeeper, agentKeeper } from './agent-keeper.js'
import { offersOf } from './datastores.js'
import {
  type GuestProcesses,
  killGuest,
  processesByFolder,
  processesOf,
  sendSignal,
} from './guest-processes.js'

const KILL_MS_MAX = 5_000
/** An agent stops its server in 8 s or kills it. */
const STOP_MS_MAX = 12_000

/** Where guests live, and how an agent is started. */
export interface ProcessHostOptions {
  readonly guestsDir: string
  readonly agent: Omit<AgentSeed, 'spec' | 'dir'>
  /** File with the broker's address alone, for guests that have an account of their own. */
  readonly amqpAddressFile: string
  readonly program: readonly [string, ...string[]]
  readonly log: Logger
}

/** Opens the host over its folder; guests are left as they are until `open`. */
export function openProcessHost(options: ProcessHostOptions): Host {
  const { agent, program, log } = options
  mkdirSync(options.guestsDir, { recursive: true, mode: 0o700 })
  // /proc shows real paths.
  const guestsDir = realpathSync(options.guestsDir)
  const keepers = new Map<string, AgentKeeper>()
  const ownAccount = { amqpUrlFile: options.amqpAddressFile }
  let stopping = false
  const dirOf = (id: string) => join(guestsDir, id)

  function keeperOf(id: string): AgentKeeper {
    const known = keepers.get(id)
    if (known) return known
    const keeper = agentKeeper({
      dir: dirOf(id),
      find: () => processesOf(guestsDir, id).agents[0],
      seed: async () => {
        const record = readRecord(dirOf(id))
        if (record?.desired !== 'running') throw new RedtroveError('conflict', `Guest ${id} may not run.`)
        return writeSeed(
          dirOf(id),
          record.spec,
          record.spec.brokerAccount ? { ...agent, ...ownAccount } : agent,
        )
      },
      program,
      log,
    })
    keepers.set(id, keeper)
    return keeper
  }

  function stateOf(id: string, found: GuestProcesses): GuestState {
    const record = readRecord(dirOf(id))
    const agentPid = found.agents[0]?.pid ?? null
    const serverPid = found.servers[0]?.pid ?? null
    const running = agentPid !== null || serverPid !== null
    const idle = record === null ? 'absent' : record.desired === 'fenced' ? 'fenced' : 'stopped'
    return { instanceId: id, state: running ? 'running' : idle, agentPid, serverPid }
  }
  const inspect = async (id: string) => stateOf(id, processesOf(guestsDir, id))

  async function ensure(spec: GuestSpec): Promise<GuestState> {
    const id = spec.instanceId
    const known = readRecord(dirOf(id))
    // The role at birth stays the first one: later roles are the agent's own memory.
    const born = { ...(known?.spec ?? spec), brokerAccount: spec.brokerAccount }
    await writeRecord(dirOf(id), { spec: born, desired: 'running' })
    if (stopping) throw new RedtroveError('unavailable', `Guest ${id} waits for the next start of its host.`)
    keeperOf(id).keep()
    await waitUntil(
      `the agent of ${id} runs`,
      () => inspect(id),
      ({ agentPid }) => agentPid !== null,
      {
        timeoutMs: 10_000,
        kind: 'guest_failed',
      },
    )
    return inspect(id)
  }

  return {
    inspect,
    ensure,
    // There is one machine.
    move: ensure,
    leaving: async () => [],
    fence: async (id) => {
      const record = readRecord(dirOf(id))
      if (record) await writeRecord(dirOf(id), { ...record, desired: 'fenced' })
      keepers.get(id)?.leave()
      await killGuest(guestsDir, id, KILL_MS_MAX)
      log.warn({ instanceId: id }, 'guest fenced')
      return inspect(id)
    },
    remove: async (id) => {
      keepers.get(id)?.leave()
      keepers.delete(id)
      await killGuest(guestsDir, id, KILL_MS_MAX)
      removeFolder(dirOf(id))
      log.info({ instanceId: id }, 'guest removed')
      return inspect(id)
    },
    offers: () => offersOf(agent.redisServer),
    open: async () => {
      for (const id of guestIds(guestsDir))
        if (readRecord(dirOf(id))?.desired === 'running') keeperOf(id).keep()
    },
    stop: async () => {
      stopping = true
      for (const keeper of keepers.values()) keeper.leave()
      const everyone = () => [...processesByFolder(guestsDir).values()]
      for (const { agents } of everyone()) for (const { pid } of agents) sendSignal(pid, 'SIGTERM')
      const gone = { timeoutMs: STOP_MS_MAX, describe: (left: readonly unknown[]) => `${left.length} guests` }
      await waitUntil('every guest has stopped', everyone, (left) => left.length === 0, gone).catch(
        async (error) => {
          if (!isKind(error, 'guest_timeout')) throw error
          log.warn('some guests did not stop in time; they are killed')
          for (const id of guestIds(guestsDir)) await killGuest(guestsDir, id, KILL_MS_MAX)
        },
      )
    },
  }
}
