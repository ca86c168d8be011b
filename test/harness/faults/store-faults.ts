/* The control plane's own parts: broker, database, clocks. */

import { join } from 'node:path'
import { connect } from '../../../store/connect.js'
import { type Fault, signal } from './fault.js'

const HOUR_MS = 3_600_000
const WHOSE = {
  guestagent: "the agents' clocks",
  taskmanager: "the taskmanagers' clocks",
  api: "the API's clock",
}

export const STORE_FAULTS: readonly Fault[] = [
  {
    name: 'the broker killed',
    row: 10,
    inject: async ({ stage }) => {
      await stage.broker.kill()
      let back: Promise<void> | null = null
      return {
        what: 'the broker was killed',
        heal: () => {
          back ??= stage.broker.start()
          return back
        },
      }
    },
  },
  {
    name: 'the broker frozen',
    row: 10,
    inject: async ({ stage }) => {
      const pid = stage.broker.pid()
      signal([pid], 'SIGSTOP')
      return {
        what: 'the broker stands still',
        heal: async () => {
          signal([pid], 'SIGCONT')
        },
      }
    },
  },
  {
    name: 'the database locked',
    row: 12,
    inject: async ({ stage }) => {
      const unlock = await lockDatabase(join(stage.stack.stateDir, 'redtrove.sqlite'))
      return { what: 'the database file is locked for writing', heal: unlock }
    },
  },
  clockOff('guestagent', 'ahead', HOUR_MS),
  clockOff('guestagent', 'behind', -HOUR_MS),
  clockOff('taskmanager', 'ahead', HOUR_MS),
  clockOff('taskmanager', 'behind', -HOUR_MS),
  clockOff('api', 'ahead', HOUR_MS),
  clockOff('api', 'behind', -HOUR_MS),
]

function clockOff(part: keyof typeof WHOSE, where: string, byMs: number): Fault {
  const name = `${WHOSE[part]} an hour ${where}`
  return {
    name,
    row: 17,
    inject: async ({ stage }) => {
      stage.shiftClock(part, byMs)
      return { what: name, heal: async () => stage.shiftClock(part, 0) }
    },
  }
}

/** Holds SQLite's one write lock until the answer is called, which may be called again. */
async function lockDatabase(file: string): Promise<() => Promise<void>> {
  const database = connect(`sqlite:${file}`)
  await database.raw('PRAGMA busy_timeout=20000')
  await database.raw('BEGIN IMMEDIATE')
  let healed: Promise<void> | null = null
  const unlock = async () => {
    await database.raw('ROLLBACK')
    await database.destroy()
  }
  return () => {
    healed ??= unlock()
    return healed
  }
}
