/* Row 12 where the control plane's database is PostgreSQL: it dies, it stands still, its disk is full. */
import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { waitUntil } from '../../../common/wait-until.js'
import type { Postgres } from '../postgres.js'
import { type Fault, signal } from './fault.js'

/** Faults of this one server. Each of them leaves it running when it has healed. */
export function postgresFaults(postgres: Postgres): readonly Fault[] {
  return [
    {
      name: 'PostgreSQL killed',
      row: 12,
      inject: async () => {
        const killed = signal(postgres.pids(), 'SIGKILL')
        return { what: `PostgreSQL killed (${killed} processes)`, heal: () => haveRunning(postgres) }
      },
    },
    {
      name: 'PostgreSQL frozen',
      row: 12,
      inject: async () => {
        const frozen = postgres.pids()
        return {
          what: `PostgreSQL stopped (${signal(frozen, 'SIGSTOP')} processes)`,
          heal: async () => {
            signal(frozen, 'SIGCONT')
          },
        }
      },
    },
    {
      name: "PostgreSQL's disk full",
      row: 12,
      inject: async () => {
        const filler = join(postgres.dataDir, 'filler')
        const { bavail, bsize } = statfsSync(postgres.dataDir)
        writeFileSync(filler, Buffer.alloc(bavail * bsize))
        return {
          what: `PostgreSQL's disk full (${bavail * bsize} bytes taken)`,
          heal: async () => {
            rmSync(filler, { force: true })
            // A full disk ends it as soon as it needs another segment of its log.
            await haveRunning(postgres)
          },
        }
      },
    },
  ]
}

async function haveRunning(postgres: Postgres): Promise<void> {
  if (postgres.pids().length > 0) return
  await waitUntil(
    'PostgreSQL runs again',
    // Children of a killed postmaster hold its shared memory until they have noticed.
    () => postgres.start().then(() => postgres.pids()),
    (pids) => pids.length > 0,
    { timeoutMs: 30_000, pollMs: 200 },
  )
}
