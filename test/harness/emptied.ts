/* A guest whose folder or volume is empty when its agent looks again. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** The agent is frozen meanwhile, and then killed: its successor finds nothing but what is named in `kept`. Throws when there was no data to lose. */
export function emptyGuest(
  { agentPid, serverPid }: { readonly agentPid: number; readonly serverPid: number },
  folder: string,
  kept: readonly string[] = [],
): void {
  process.kill(agentPid, 'SIGSTOP')
  process.kill(serverPid, 'SIGKILL')
  const names = readdirSync(folder)
  if (!names.includes('data')) throw new Error(`${folder} has no data`)
  for (const name of names.filter((one) => !kept.includes(one)))
    rmSync(join(folder, name), { recursive: true, force: true })
  process.kill(agentPid, 'SIGKILL')
}
