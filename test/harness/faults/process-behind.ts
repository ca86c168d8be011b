import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Whether one of `pids` has the client's end of a loopback connection. */
export function isBehind(clientPort: number, pids: readonly number[]): boolean {
  const inode = inodeOf(clientPort)
  return inode !== null && pids.some((pid) => holds(pid, `socket:[${inode}]`))
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
