import { expect, test } from 'vitest'
import { createLogger } from '../../../common/log.js'
import type { Report } from '../../../domain/instance/report.js'
import type { TakenReport } from '../../../store/store.js'
import { startReports } from '../../../taskmanager/intake/reports.js'
import { observed } from '../../harness/observed.js'
import { VirtualClock } from '../../workflows/virtual-clock.js'

const reportOf = (bootId: string, seq: number): Report => ({
  instanceId: 'i',
  bootId,
  seq,
  observation: observed(),
})

function intake() {
  const clock = new VirtualClock()
  const saved: (readonly TakenReport[])[] = []
  const database = { away: false }
  const reports = startReports(
    {
      save: async (batch) => {
        if (database.away) throw new Error('away')
        saved.push(batch)
      },
    },
    clock,
    createLogger('test', 'silent'),
  )
  const stop = async () => clock.drive(reports.stop())
  return { clock, saved, database, reports, stop }
}

test('a report that waits for the database is stored as old as it is', async () => {
  const { clock, saved, database, reports, stop } = intake()
  database.away = true
  reports.take(reportOf('a', 1))
  await clock.drive(clock.sleep(60_000))
  database.away = false
  await clock.drive(clock.sleep(400))
  await stop()
  expect(saved).toHaveLength(1)
  expect(saved[0]?.[0]?.agoMs).toBeGreaterThanOrEqual(60_000)
  expect(saved[0]?.[0]?.agoMs).toBeLessThan(61_000)
})

test('of each boot the newest is kept, in the order in which boots were heard of', async () => {
  const { clock, saved, database, reports, stop } = intake()
  database.away = true
  for (const [boot, seq] of [
    ['a', 7],
    ['b', 1],
  ] as const) {
    reports.take(reportOf(boot, seq))
    await clock.drive(clock.sleep(1_000))
  }
  reports.take(reportOf('b', 3))
  reports.take(reportOf('b', 2))
  reports.take(reportOf('a', 6))
  database.away = false
  await clock.drive(clock.sleep(400))
  await stop()
  expect(saved.map((batch) => batch.map(({ bootId, seq }) => `${bootId}${seq}`))).toEqual([['a7', 'b3']])
})
