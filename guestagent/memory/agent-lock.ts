import { rmSync } from 'node:fs'
import { writeDurably } from '../../common/files/durable-file.js'
import { holdFolder } from '../../common/processes/exclusive-name.js'
import { formatIdentity, identify } from '../../common/processes/process-identity.js'
import type { GuestPaths } from '../paths.js'

/** Makes this process the only agent of a folder and writes `agent.pid`; the returned function gives the folder free again. */
export async function lockFolder(paths: GuestPaths): Promise<() => Promise<void>> {
  const release = await holdFolder('agent', paths.dir)
  const self = identify(process.pid)
  if (self) await writeDurably(paths.agentPid, formatIdentity(self))
  return async () => {
    rmSync(paths.agentPid, { force: true })
    await release()
  }
}
