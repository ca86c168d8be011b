/* Row 12 where the control plane's database is PostgreSQL: it dies, it stands still, its disk is full. */
import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { waitUntil } from '../../../common/wait-until.js'
import type { Database } from '../../../store/connect.js'
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
        const spent = await postgres.admin((db) => fillDisk(db, filler))
        return {
          what: `PostgreSQL's disk full (after ${spent} segments of its log)`,
          heal: async () => {
            rmSync(filler, { force: true })
            await haveRunning(postgres)
          },
        }
      },
    },
  ]
}

/** Left in the last segment of the log: about one page and what describes it. */
const LEFT_BYTES = 12_000

/**
 * Fills the disk, then writes the segments of the log that were made in advance and all but a little of the last one: how many
 * there are depends on what ran before, and the next write must meet the full disk. Answers with their number.
 */
async function fillDisk(db: Database, filler: string): Promise<number> {
  // Connected before the disk is full: a new session may want to write.
  await db.raw('SELECT 1')
  const { bavail, bsize } = statfsSync(dirname(filler))
  writeFileSync(filler, Buffer.alloc(bavail * bsize), { flag: 'a' })
  let spent = 0
  for (; (await spareSegments(db)) > 0; spent += 1) {
    await db.raw("SELECT pg_logical_emit_message(false, 'use-up', 'x')")
    await db.raw('SELECT pg_switch_wal()')
  }
  await db.raw(
    `SELECT pg_logical_emit_message(false, 'use-up', repeat('x', greatest(0, s.bytes - ${LEFT_BYTES}
       - ((pg_current_wal_insert_lsn() - '0/0') % s.bytes))::int))
     FROM (SELECT setting::int AS bytes FROM pg_settings WHERE name = 'wal_segment_size') AS s`,
  )
  return spent
}

async function spareSegments(db: Database): Promise<number> {
  const { rows } = await db.raw<{ rows: readonly { count: number }[] }>(
    'SELECT count(*)::int FROM pg_ls_waldir() WHERE name > pg_walfile_name(pg_current_wal_insert_lsn())',
  )
  return rows[0]?.count ?? 0
}

/** Until it takes connections. A full disk ends it when it needs a segment, also while it recovers; so it is started again. */
export async function haveRunning(postgres: Postgres): Promise<void> {
  const answers = async (db: Database): Promise<boolean> => {
    // Children of a killed postmaster hold its shared memory until they have noticed.
    if (postgres.pids().length === 0) await postgres.start()
    await db.raw('SELECT 1')
    return true
  }
  await postgres.admin((db) =>
    waitUntil(
      'PostgreSQL answers again',
      () => answers(db),
      (yes) => yes,
      { timeoutMs: 30_000, pollMs: 200 },
    ),
  )
}
