import { afterAll, beforeAll, expect, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { figures, story } from '../harness/faults/figures.js'
import { queueNamesOf } from '../harness/faults/message-replay.js'
import { randomSchedule } from '../harness/faults/schedule.js'
import { leaksOf, secretsOf } from '../harness/faults/secrecy.js'
import { openStage, type Stage } from '../harness/faults/stage.js'
import { runTrial, type TrialReport } from '../harness/faults/trial.js'

/*
 * Row 23 of the matrix: random schedules. `npm test` runs the first 20 seeds, `npm run test:faults` 200;
 * REDTROVE_TEST_SEEDS=7 or 7-12 runs others, and a failure prints what to run again.
 */
const [first = 1, last = first] = (process.env.REDTROVE_TEST_SEEDS ?? '1-20').split('-').map(Number)
const seeds = Array.from({ length: last - first + 1 }, (_, index) => first + index)
const reports: TrialReport[] = []
let stage: Stage

beforeAll(async () => {
  stage = await openStage()
}, 120_000)
afterAll(async () => {
  console.log(`random schedules: ${figures(reports)}`)
  await stage.stop()
}, 120_000)

it.each(seeds)(
  'seed %i: nothing acknowledged is lost, nobody writes beside the source, nothing stays stuck',
  async (seed) => {
    const report = await runTrial(stage, { seed, replicas: 2, script: randomSchedule })
    reports.push(report)
    expect(report.violations, story(report)).toEqual([])
  },
  300_000,
)

it('nothing is left of the instances that were deleted: no row, no quota, no queue', async () => {
  const { client } = stage.stack
  const left = await waitUntil(
    'everything is deleted',
    async () => {
      const there = await client.list()
      // A source that has replicas is refused until they are gone.
      for (const { id } of there) await client.send('DELETE', `/instances/${id}`)
      return there.map(({ id, status }) => `${id} ${status}`)
    },
    (ids) => ids.length === 0,
    { timeoutMs: 60_000, pollMs: 500 },
  )
  expect(left).toEqual([])
  const quotas = await client.send<{ quotas: { in_use: number }[] }>('GET', '/mgmt/quotas/demo')
  expect(quotas.body.quotas.map(({ in_use }) => in_use)).toEqual([0])
  expect((await queueNamesOf(stage.broker)).filter((name) => name.includes('.guest.'))).toEqual([])
})

it('no secret was written anywhere on the way', async () => {
  const secrets = secretsOf(
    stage,
    reports.map(({ password }) => password),
  )
  expect(secrets.size).toBeGreaterThan(2)
  expect(await leaksOf(stage, secrets)).toEqual([])
})
