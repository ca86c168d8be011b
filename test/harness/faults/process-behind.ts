import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Which of `pids` has the client's end of a loopback connection; null when none of them does (any more). */
export function processBehind(clientPort: number, pids: readonly number[]): number | null {
  const inode = inodeOf(clientPort)
  if (inode === null) return null
  return pids.find((pid) => holds(pid, `socket:[${inode}]`)) ?? null
}

function inodeOf(clientPort: number): string | null {
  const wanted = `:${clientPort.toString(16).toUpperCase().padStart(4, '0')}`
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)) {
    const [, local = '', , , , , , , , inode] = line.trim().split(/\s+/)
    if (local.endsWith(wanted) && inode && inode !== '0') return inode
  }
  return null
}

function holds(pid: number, socket: string): boolean {
  try {
    const folder = `/proc/${pid}/fd`
    return readdirSync(folder).some((fd) => {
      try {
        return readlinkSync(`${folder}/${fd}`) === socket
      } catch {
        return false
      }
    })
  } catch {
    return false
  }
}
