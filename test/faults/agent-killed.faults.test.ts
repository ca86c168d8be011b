import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { type Act, actNamed } from '../harness/faults/acts.js'
import { type Scene, signal } from '../harness/faults/fault.js'
import { figures, story } from '../harness/faults/figures.js'
import { openStage, type Stage } from '../harness/faults/stage.js'
import { runTrial, type TrialReport } from '../harness/faults/trial.js'

/*
 * Rows 3 and 6: the agent that gets to a step dies there (SIGKILL), alone or with its redis-server, as when its host does. Which
 * agent that is the step says: in a promote the old source holds back writes, the candidate waits for an offset.
 */
const whole = process.env.REDTROVE_TEST_FAULTS === 'all'
const STEPS: Readonly<Record<Act['name'], readonly string[]>> = {
  promote: [
    'hold back writes/before',
    'hold back writes/after',
    'wait for an offset/before',
    'wait for an offset/after',
    'assume replica/before',
    'remember replica/after',
    'change to replica/after',
    'assume replica/after',
    'assume source/before',
    'remember source/after',
    'change to source/after',
    'assume source/after',
  ],
  eject: ['cut the link/before', 'cut the link/after', 'remember source/after', 'change to source/after'],
  create: [
    'tune synchronisation/before',
    'tune synchronisation/after',
    'assume replica/before',
    'remember replica/after',
  ],
  detach: ['assume source/before', 'remember source/after', 'change to source/after', 'assume source/after'],
  restart: ['restart redis-server/before', 'restart redis-server/after'],
  delete: ['stop redis-server/before', 'stop redis-server/after'],
}
const SHORT = ['remember replica/after', 'change to source/after']
const cells = Object.entries(STEPS).flatMap(([act, steps]) =>
  steps.flatMap((step) =>
    (whole ? [false, true] : [false])
      .filter(() => whole || (act === 'promote' && SHORT.includes(step)))
      .map((withServer) => [act as Act['name'], step, withServer] as const),
  ),
)
const STRIKES_MS_MAX = 15_000
const reports: TrialReport[] = []
let stage: Stage
let struck = 0

beforeAll(async () => {
  stage = await openStage()
}, 120_000)
afterAll(async () => {
  console.log(`agents killed at ${struck} steps: ${figures(reports)}`)
  await stage.stop()
}, 120_000)

it.each(cells)(
  '%s: the agent dies at "%s" (with its server: %s)',
  async (act, step, withServer) => {
    const script = async (scene: Scene, log: (what: string) => void) => {
      writeFileSync(stage.failpoint, `guestagent/${step}`)
      const before = new Map(scene.set.members.map(({ id }) => [id, scene.set.pids(id)]))
      const acted = await actNamed(act).act(scene)
      log(acted.what)
      // A step that this operation does not come to is no failure of the product, but the list above is wrong then.
      const died = await waitUntil(
        `an agent dies at ${step}`,
        () => existsSync(stage.failpoint),
        (there) => !there,
        { timeoutMs: STRIKES_MS_MAX, pollMs: 2 },
      ).then(
        () => true,
        () => false,
      )
      rmSync(stage.failpoint, { force: true })
      struck += died ? 1 : 0
      log(died ? `the agent died at ${step}` : `nobody came to ${step}`)
      expect(died, step).toBe(true)
      if (withServer) {
        const dead = [...before].find(([, { agent }]) => signal([agent], 'SIGCONT') === 0)
        if (dead) log(`killed ${signal([dead[1].server], 'SIGKILL')} server with it`)
      }
      return [acted.heal]
    }
    const report = await runTrial(stage, { seed: 1, replicas: 2, script })
    reports.push(report)
    expect(report.violations, story(report)).toEqual([])
  },
  300_000,
)
