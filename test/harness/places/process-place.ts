import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { startStack } from '../stack.js'
import type { Place } from './place.js'

/** Guests as processes of this machine. */
export const processPlace: Place = {
  name: 'process',
  open: (options) => startStack(options),
  freeze: async (stack, id) => {
    const pids = stack.guestPids(id)
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    return async () => {
      for (const pid of pids) wake(pid)
    }
  },
  pids: async (stack, id) => stack.guest(id),
  left: async (stack) => readdirSync(join(stack.stateDir, 'guests')),
  close: (stack) => stack.stop(),
}

function wake(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT')
  } catch {
    // Fenced: the process is gone, which is the point.
  }
}
