import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { identify, type ProcessIdentity, workingFolderOf } from '../../common/processes/process-identity.js'
import { waitUntil } from '../../common/wait-until.js'

/** The processes of one guest, told by the folder they work in: the agent in the guest's own, redis-server in its `data`. */
export interface GuestProcesses {
  readonly agents: readonly ProcessIdentity[]
  readonly servers: readonly ProcessIdentity[]
}

/** Looks at every process of this host once; by guest folder. Frozen ones are seen too, the remains of dead ones are not. */
export function processesByFolder(guestsDir: string): ReadonlyMap<string, GuestProcesses> {
  const found = new Map<string, { agents: ProcessIdentity[]; servers: ProcessIdentity[] }>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const folder = workingFolderOf(Number(name))
    if (!folder?.startsWith(`${guestsDir}/`)) continue
    const [id = '', inner] = folder.slice(guestsDir.length + 1).split('/')
    const who = identify(Number(name))
    if (!who) continue
    const dir = join(guestsDir, id)
    const own = found.get(dir) ?? { agents: [], servers: [] }
    if (inner === undefined) own.agents.push(who)
    else own.servers.push(who)
    found.set(dir, own)
  }
  return found
}

/** Processes of one guest. */
export function processesOf(guestsDir: string, instanceId: string): GuestProcesses {
  return processesByFolder(guestsDir).get(join(guestsDir, instanceId)) ?? { agents: [], servers: [] }
}

/**
 * SIGKILL to all of a guest, agents first so that none starts a server anew, again and again until a look finds nobody. Works on
 * frozen processes. Fails with `fence_failed` when somebody is left at the deadline.
 */
export async function killGuest(guestsDir: string, instanceId: string, timeoutMs: number): Promise<void> {
  await waitUntil(
    `no process of guest ${instanceId} is left`,
    () => {
      const { agents, servers } = processesOf(guestsDir, instanceId)
      const all = [...agents, ...servers]
      for (const { pid } of all) sendSignal(pid, 'SIGKILL')
      return all.map(({ pid }) => pid)
    },
    (pids) => pids.length === 0,
    { timeoutMs, pollMs: 5, kind: 'fence_failed', describe: (pids) => `processes ${pids.join(', ')}` },
  )
}

/** Sends a signal; a process that is gone already is no failure. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
