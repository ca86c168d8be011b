import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'

interface Answer {
  readonly code: number
  readonly passed: number
  readonly failed: number
}
interface Step {
  readonly name: string
  act(): Promise<Answer>
}
type Done = Answer & { readonly name: string }
interface Steps {
  runSteps(steps: readonly Step[], options?: { readonly atOnce: number }): Promise<readonly Done[]>
  closing(what: string, done: readonly Done[]): { readonly line: string; readonly code: number }
  tableOf(done: readonly Done[]): string
}

// Scripts are plain JavaScript: they run before anything is installed.
const SCRIPT = join(import.meta.dirname, '..', '..', '..', 'scripts', 'steps.mjs')
const { closing, runSteps, tableOf }: Steps = await import(SCRIPT)

// What it says of steps that are none would be read as a ring's.
beforeEach(() => void vi.spyOn(process.stderr, 'write').mockReturnValue(true))
afterEach(() => void vi.restoreAllMocks())

const ok = { code: 0, passed: 1, failed: 0 }

/** Steps that end when they are told to, and the names of those that have begun. */
function stage() {
  const begun: string[] = []
  const ends = new Map<string, (answer: typeof ok) => void>()
  const step = (name: string) => ({
    name,
    act: () => {
      begun.push(name)
      return new Promise<typeof ok>((resolve) => ends.set(name, resolve))
    },
  })
  const end = async (name: string, answer = ok) => {
    ends.get(name)?.(answer)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { begun, step, end }
}

it('runs as many at once as it may, in their order, and counts what all of them said', async () => {
  const { begun, step, end } = stage()
  const all = runSteps(['containers', 'quick', 'swarm'].map(step), { atOnce: 2 })
  expect(begun).toEqual(['containers', 'quick'])
  await end('quick')
  expect(begun).toEqual(['containers', 'quick', 'swarm'])
  await end('containers', { code: 1, passed: 2, failed: 3 })
  await end('swarm')
  const done = await all
  expect(done.map(({ name }) => name)).toEqual(['quick', 'containers', 'swarm'])
  expect(closing('tests', done)).toEqual({ line: 'tests: 4 passed, 3 failed\n', code: 1 })
  expect(tableOf(done)).toMatch(/containers +0 s +2 passed +3 failed\n/)
})

it('counts a step that cannot begin as a failure, and runs the others', async () => {
  const broken = { name: 'broken', act: () => Promise.reject(new Error('no mirror')) }
  const done = await runSteps([broken, { name: 'other', act: async () => ok }])
  expect(done.map(({ name, failed }) => [name, failed])).toEqual([
    ['broken', 1],
    ['other', 0],
  ])
})
