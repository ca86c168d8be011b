import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { SCENES, type Scene } from '../harness/scenes.js'
import { type Stack, startStack } from '../harness/stack.js'

/*
 * The workflow matrix on real processes. A clean run of each workflow tells its steps; then, for each step, a taskmanager dies
 * (SIGKILL) at its edge, and the next one, started by the supervisor, carries on or takes back.
 */
const dir = mkdtempSync(join(tmpdir(), 'redtrove-failpoint-'))
const failpoint = join(dir, 'place')
const AT_REST = ['ACTIVE', 'ERROR']
const RECOVERED_MS_MAX = 10_000
let stack: Stack
let kills = 0
const outcomes: Record<string, number> = {}
const worst = { place: 'none', ms: 0 }

beforeAll(async () => {
  const env = {
    REDTROVE_FAILPOINT: `file:${failpoint}`,
    REDTROVE_MAX_INSTANCES_PER_PROJECT: '-1',
    REDTROVE_HEARTBEAT_AGE_MS_MAX: '2500',
  }
  stack = await startStack({ env })
})
afterAll(async () => {
  console.log(
    `${kills} taskmanagers killed, outcomes ${JSON.stringify(outcomes)}, slowest recovery ${worst.ms.toFixed(0)} ms (${worst.place})`,
  )
  await stack.stop()
  rmSync(dir, { recursive: true, force: true })
})

it.each(Object.keys(SCENES))(
  '%s: killed at every step, it goes on or is taken back within ten seconds',
  async (kind) => {
    const scene = SCENES[kind]
    if (!scene) throw new Error(`no scene for ${kind}`)
    const clean = await stack.client.ended(await scene.act(stack, await scene.prepare(stack)))
    expect(clean, JSON.stringify(clean)).toMatchObject({ kind, state: 'done' })
    const names = [...new Set((clean.steps ?? []).map(({ name }) => name))]
    expect(names.length).toBeGreaterThan(0)
    const edges = [`${names[0]}/before`, ...names.map((name) => `${name}/after`)]
    for (const edge of edges) await killAt(`${kind}/${edge}`, scene)
  },
  400_000,
)

async function killAt(place: string, scene: Scene): Promise<void> {
  const cast = await scene.prepare(stack)
  writeFileSync(failpoint, place)
  const operationId = await scene.act(stack, cast)
  await waitUntil(
    `a taskmanager dies at ${place}`,
    () => existsSync(failpoint),
    (there) => !there,
    { timeoutMs: 20_000, pollMs: 5 },
  )
  const diedAtMs = performance.now()
  const operation = await stack.client.ended(operationId)
  const tookMs = performance.now() - diedAtMs
  kills += 1
  outcomes[operation.state] = (outcomes[operation.state] ?? 0) + 1
  if (tookMs > worst.ms) Object.assign(worst, { place, ms: tookMs })
  expect(['done', 'rolled_back'], `${place}: ${JSON.stringify(operation)}`).toContain(operation.state)
  expect(tookMs, place).toBeLessThan(RECOVERED_MS_MAX)
  for (const instance of await stack.client.list()) {
    expect(AT_REST, `${place}: ${JSON.stringify(instance)}`).toContain(instance.status)
  }
  await scene.check(stack, cast, operation.state)
}
