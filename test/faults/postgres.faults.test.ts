import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ACTS, type Act } from '../harness/faults/acts.js'
import { scriptOf } from '../harness/faults/cell.js'
import { figures, story } from '../harness/faults/figures.js'
import { postgresFaults } from '../harness/faults/postgres-faults.js'
import { openStage, type Stage } from '../harness/faults/stage.js'
import { runTrial, type TrialReport } from '../harness/faults/trial.js'
import { type Postgres, startPostgres } from '../harness/postgres.js'

/*
 * Row 12 with PostgreSQL as the control plane's database, on a small disk of its own. `npm test` takes two cells,
 * `npm run test:faults` every fault with every operation.
 */
const whole = process.env.REDTROVE_TEST_FAULTS === 'all'
const DISK_MB = 192
const HOLD_MS = whole ? 15_000 : 4_000
const NAMES = ['PostgreSQL killed', 'PostgreSQL frozen', "PostgreSQL's disk full"] as const
const SHORT: readonly (readonly [(typeof NAMES)[number], Act['name']])[] = [
  ['PostgreSQL killed', 'promote'],
  ["PostgreSQL's disk full", 'create'],
]
const cells = whole ? NAMES.flatMap((name) => ACTS.map(({ name: act }) => [name, act] as const)) : SHORT
const reports: TrialReport[] = []
const run = promisify(execFile)
let postgres: Postgres
let stage: Stage

beforeAll(async () => {
  const prepare = async (dataDir: string) =>
    void (await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MB}m`, 'tmpfs', dataDir]))
  const release = async (dataDir: string) => void (await run('umount', [dataDir]))
  postgres = await startPostgres({ durable: true, prepare, release })
  await postgres.admin((db) => db.raw('CREATE DATABASE redtrove'))
  stage = await openStage({ REDTROVE_DATABASE_URL: `${postgres.url}/redtrove` })
}, 120_000)
afterAll(async () => {
  console.log(`row 12 on PostgreSQL: ${refusals()} times no space left; ${figures(reports)}`)
  await stage.stop()
  await postgres.stop()
}, 120_000)

it.each(cells)(
  'row 12: %s while somebody asks to %s',
  async (name, act) => {
    const fault = postgresFaults(postgres).find((one) => one.name === name)
    if (!fault) throw new Error(`no fault is called ${name}`)
    const script = scriptOf({ fault, act, holdMs: HOLD_MS })
    const report = await runTrial(stage, { seed: 1, replicas: 2, script })
    reports.push(report)
    expect(report.violations, story(report)).toEqual([])
  },
  300_000,
)

it('the full disk was felt', () => {
  expect(refusals()).toBeGreaterThan(0)
})

function refusals(): number {
  return postgres.log().match(/No space left on device/g)?.length ?? 0
}
