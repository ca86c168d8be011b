import { afterAll, beforeAll, expect, it } from 'vitest'
import { ACTS } from '../harness/faults/acts.js'
import { type Cell, scriptOf } from '../harness/faults/cell.js'
import { DISK_FAULTS, unmountAll } from '../harness/faults/disk-faults.js'
import type { Fault } from '../harness/faults/fault.js'
import { figures, story } from '../harness/faults/figures.js'
import { MESSAGES_REPLAYED } from '../harness/faults/message-replay.js'
import { PRESSURE_FAULTS } from '../harness/faults/pressure-faults.js'
import { ALL_FAULTS } from '../harness/faults/schedule.js'
import { openStage, type Stage } from '../harness/faults/stage.js'
import { runTrial, type TrialReport } from '../harness/faults/trial.js'

/*
 * Rows of the matrix (docs/faults.md) times the operations that they hit. `npm test` takes the rows that hurt most, each with one
 * operation; `npm run test:faults` takes every cell, and holds faults for as long as the matrix says.
 */
const whole = process.env.REDTROVE_TEST_FAULTS === 'all'
const FAULTS: readonly Fault[] = [...ALL_FAULTS, ...DISK_FAULTS, ...PRESSURE_FAULTS, MESSAGES_REPLAYED]
const HOLD_MS = 2_500
/** Where the matrix wants more: a broker that is away for 15 s, a worker that stands still for 15 s. */
const LONG_HOLD_MS: Readonly<Record<string, number>> = {
  'the broker killed': 15_000,
  'the broker frozen': 20_000,
  'a taskmanager frozen': 15_000,
  'the source frozen': 30_000,
  'the database locked': 30_000,
}
const SHORT: readonly (readonly [string, Cell['act']])[] = [
  ["the source's redis-server killed", 'promote'],
  ['the source frozen', 'promote'],
  ['the source cut off from replicas and broker', 'promote'],
  ['the source cut off from replicas and broker', 'eject'],
  ['the broker killed', 'promote'],
  [MESSAGES_REPLAYED.name, 'promote'],
  ['the database locked', 'promote'],
  ["the source's data wiped and its redis-server killed", 'eject'],
]

const named = (name: string) => {
  const found = FAULTS.find((fault) => fault.name === name)
  if (!found) throw new Error(`no fault is called ${name}`)
  return found
}
const cells: readonly Cell[] = whole
  ? FAULTS.flatMap((fault) =>
      ACTS.map(({ name: act }) => ({ fault, act, holdMs: LONG_HOLD_MS[fault.name] ?? HOLD_MS })),
    )
  : SHORT.map(([name, act]) => ({ fault: named(name), act, holdMs: HOLD_MS }))
const reports: TrialReport[] = []
let stage: Stage

beforeAll(async () => {
  stage = await openStage()
}, 120_000)
afterAll(async () => {
  console.log(`matrix: ${figures(reports)}`)
  await unmountAll(stage.stack.stateDir)
  await stage.stop()
}, 120_000)

it.each(cells.map((cell, index) => [cell.fault.row, cell.fault.name, cell.act, cell, index] as const))(
  'row %i: %s while somebody asks to %s',
  async (_row, _fault, _act, cell, index) => {
    const report = await runTrial(stage, { seed: index + 1, replicas: 2, script: scriptOf(cell) })
    reports.push(report)
    expect(report.violations, story(report)).toEqual([])
  },
  300_000,
)
