/* redis-server says a line in its log whenever it gains or loses a link, fails to save or ends: the kernel tells of that line at once. */
import { closeSync, constants, type FSWatcher, openSync, watch } from 'node:fs'
import type { Logger } from '../../common/log.js'

/** A log that is watched, or cannot be. */
export interface LogWatch {
  /** False when the kernel gives no notice: its user may have `fs.inotify.max_user_instances` watchers (128 unless raised), one for each agent. */
  readonly works: () => boolean
  close(): void
}

/** Calls `onWritten` after each write to the file at `path`, which is made if it is missing. Never throws; without notice it says so once in `log`. */
export function watchLog(path: string, onWritten: () => void, log: Logger): LogWatch {
  let watcher: FSWatcher | null = null
  const givenUp = (error: unknown) => {
    watcher?.close()
    watcher = null
    log.warn(
      { reason: (error as NodeJS.ErrnoException).code ?? 'unknown' },
      'The agent cannot watch the log of redis-server, and looks at the server many times a second instead. Where many agents share a user, raise fs.inotify.max_user_instances.',
    )
  }
  try {
    closeSync(openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, 0o600))
    watcher = watch(path, { persistent: false }, onWritten)
    watcher.on('error', givenUp)
  } catch (error) {
    givenUp(error)
  }
  return { works: () => watcher !== null, close: () => watcher?.close() }
}
