import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { SCENES, type Scene } from '../harness/scenes.js'
import { type Stack, startStack } from '../harness/stack.js'

/*
 * The workflow matrix on real processes. A clean run of each workflow tells its steps; then, for each step, a taskmanager dies
 * (SIGKILL) at its edge, and the next one, started by the supervisor, carries on or takes back.
 */
const STACKS = 2
const AT_REST = ['ACTIVE', 'ERROR']
const RECOVERED_MS_MAX = 10_000

/** A service, and the file whose text is the place where its taskmanager dies next. */
interface Stage {
  readonly stack: Stack
  readonly failpoint: string
}

/** A kill is waited for rather than worked on, so that several services go through them side by side. */
const dir = mkdtempSync(join(tmpdir(), 'redtrove-failpoint-'))
const free: Stage[] = []
const kinds = Object.keys(SCENES)
let kills = 0
const outcomes: Record<string, number> = {}
const worst = { place: 'none', ms: 0 }

beforeAll(async () => {
  const numbers = Array.from({ length: STACKS }, (_, number) => number)
  free.push(...(await Promise.all(numbers.map(openStage))))
}, 180_000)
afterAll(async () => {
  console.log(
    `${kills} taskmanagers killed, outcomes ${JSON.stringify(outcomes)}, slowest recovery ${worst.ms.toFixed(0)} ms (${worst.place})`,
  )
  await Promise.all(free.map(({ stack }) => stack.stop()))
  rmSync(dir, { recursive: true, force: true })
}, 120_000)

describe.concurrent('a taskmanager that is killed at every step of', () => {
  it.each(kinds)(
    '%s: the operation goes on or is taken back within ten seconds',
    async (kind) => {
      const stage = await untilFree()
      try {
        await killEverywhere(stage, kind)
      } finally {
        free.push(stage)
      }
    },
    400_000,
  )
})

/** The stage is the caller's until it is put back. */
async function untilFree(): Promise<Stage> {
  return waitUntil('a service has nothing to do', takeFree, () => true, { timeoutMs: 390_000, pollMs: 50 })
}

function takeFree(): Stage {
  const stage = free.shift()
  if (!stage) throw new Error('every service has something to do')
  return stage
}

async function openStage(number: number): Promise<Stage> {
  const failpoint = join(dir, `place-${number}`)
  const env = {
    REDTROVE_FAILPOINT: `file:${failpoint}`,
    REDTROVE_MAX_INSTANCES_PER_PROJECT: '-1',
    REDTROVE_HEARTBEAT_AGE_MS_MAX: '2500',
  }
  return { stack: await startStack({ env }), failpoint }
}

/** Every edge of one kind's steps, as a clean run tells them. */
async function killEverywhere(stage: Stage, kind: string): Promise<void> {
  const { stack } = stage
  const scene = SCENES[kind]
  if (!scene) throw new Error(`no scene for ${kind}`)
  const clean = await stack.client.ended(await scene.act(stack, await scene.prepare(stack)))
  expect(clean, JSON.stringify(clean)).toMatchObject({ kind, state: 'done' })
  const names = [...new Set((clean.steps ?? []).map(({ name }) => name))]
  expect(names.length).toBeGreaterThan(0)
  const edges = [`${names[0]}/before`, ...names.map((name) => `${name}/after`)]
  for (const edge of edges) await killAt(stage, `${kind}/${edge}`, scene)
}

async function killAt({ stack, failpoint }: Stage, place: string, scene: Scene): Promise<void> {
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
