import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { RedtroveError } from '../common/errors.js'
import { farFolder, requireOwnSocketFolder } from '../common/files/far-folder.js'

/** Linux allows 107 bytes and a terminating zero in a unix socket's path; redis-server takes no longer one either. */
const SOCKET_PATH_BYTES_MAX = 100

/** Where an agent keeps what; all of it in the guest's folder, but a socket whose path would be too long. */
export interface GuestPaths {
  readonly dir: string
  readonly data: string
  readonly conf: string
  readonly state: string
  readonly socket: string
  readonly log: string
  readonly olderLog: string
  /** Pid and start time of the running agent. */
  readonly agentPid: string
  /** Pid and start time of redis-server, written by the agent that started it. */
  readonly serverPid: string
  /** redis-server's own. */
  readonly redisPid: string
  /** Password of the agent's account. */
  readonly agentSecret: string
  /** There were keys here once; lies outside the data folder, so that it outlives a wiped one. */
  readonly hadData: string
}

/** Paths of one guest, a pure function of its folder. */
export function guestPaths(dir: string): GuestPaths {
  const near = join(dir, 'redis.sock')
  const short = Buffer.byteLength(near) <= SOCKET_PATH_BYTES_MAX
  return {
    dir,
    data: join(dir, 'data'),
    conf: join(dir, 'redis.conf'),
    state: join(dir, 'state'),
    socket: short ? near : join(farFolder(dir), 'redis.sock'),
    log: join(dir, 'redis.log'),
    olderLog: join(dir, 'redis.log.1'),
    agentPid: join(dir, 'agent.pid'),
    serverPid: join(dir, 'server.pid'),
    redisPid: join(dir, 'redis.pid'),
    agentSecret: join(dir, 'agent.secret'),
    hadData: join(dir, 'had-data'),
  }
}

/**
 * Makes the guest's folder and the socket's (0700). Fails with `guest_failed` when the folder that they belong into is gone, or when the far folder
 * of the socket is not ours alone: anybody may write to the system's temporary folder.
 */
export function makeGuestFolders(paths: GuestPaths): void {
  makeFolder(paths.dir)
  const socketFolder = join(paths.socket, '..')
  if (socketFolder === paths.dir) return
  makeFolder(socketFolder)
  requireOwnSocketFolder(paths.socket, 'guest_failed')
}

/**
 * Makes one folder (0700) when it is not there. Fails with `guest_failed` when the folder around it is gone. None of those is ever made
 * anew: a guest's folder that somebody removed took its data and its memory with it. (And where it was removed under a mount, Node's
 * recursive mkdir never returns: the mount is there, and nothing can be made in it.)
 */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException // fs errors carry a code
    if (code === 'EEXIST') return
    if (code !== 'ENOENT') throw cause
    throw new RedtroveError(
      'guest_failed',
      `The folder ${dirname(path)} is gone, or its volume is, with all that was kept there. Eject the instance if it leads, and delete it.`,
      { cause },
    )
  }
}
