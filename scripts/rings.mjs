/* The rings of the tests, and what each of them needs to run. Which of them `npm test` runs, and which side by side, stands in its script. */
import { makeBases } from './bases.mjs'
import { prepare, root, run } from './machine.mjs'
import { node24 } from './node-24.mjs'
import { bin, runTests } from './run-tests.mjs'

const projects = (...names) => names.flatMap((name) => ['--project', name])
const WHOLE_FAULTS = {
  REDTROVE_TEST_FAULTS: 'all',
  REDTROVE_TEST_SEEDS: process.env.REDTROVE_TEST_SEEDS ?? '1-200',
}

/** On processes of this machine, without changing its network rules. */
const onProcesses =
  (rings, options = {}) =>
  ({ args, kept, as }) =>
    runTests(as, [...projects(...rings), ...args], { ...options, kept })

/** Faults change network rules and mount file systems: in a namespace that ends with the run. */
const isolated =
  (ring, env = {}) =>
  ({ args, kept, as }) =>
    runTests(as, [...projects(ring), ...args], { namespace: true, env, kept })

/** Guests in containers, of an engine or three in a namespace. */
const onEngines = (ring) => async (given) => {
  await prepare('containers', containerParts)
  return isolated(ring, { REDTROVE_TEST_NODE: await node24() })(given)
}

const RINGS = {
  // What waits for other processes leaves a core to a neighbour.
  quick: onProcesses(['unit', 'messaging', 'workflows', 'store', 'api', 'guestagent']),
  integration: onProcesses(['integration']),
  long: onProcesses(['long']),
  faults: isolated('faults'),
  'faults-whole': isolated('faults', WHOLE_FAULTS),
  containers: onEngines('containers'),
  swarm: onEngines('swarm'),
  'containers-long': onEngines('containers-long'),
  'swarm-long': onEngines('swarm-long'),
  'on-node-24': async (given) => onProcesses(['unit', 'api', 'integration'], { node: await node24() })(given),
}

/** A ring, or a part of one under the name `as`, as a step; `args` go to vitest. */
export function ring(name, args = [], as = name) {
  return { name: as, act: ({ kept }) => RINGS[name]({ args, kept, as }) }
}

/** Types and style, which need nothing but the sources. */
export const CHECK = {
  name: 'types and style',
  act: async () => {
    const types = await run(process.execPath, [bin('typescript', 'bin/tsc'), '--noEmit'])
    const style = await run(process.execPath, [bin('@biomejs/biome', 'bin/biome'), 'check', '.'])
    return { code: types || style, passed: 0, failed: [types, style].filter(Boolean).length }
  },
}

/** What images are made of: root file systems, and the Node that runs in them. */
export async function containerParts() {
  await makeBases()
  await node24()
}

/** Where the files of a folder below test/ run. A scenario runs wherever guests can; as processes unless a ring is named. */
const OF_FOLDER = [
  [/^test\/faults\b/, 'faults'],
  [/\.containers\.long\.test\.ts$/, 'containers-long'],
  [/\.swarm\.long\.test\.ts$/, 'swarm-long'],
  [/^test\/long\b/, 'long'],
  [/^test\/containers\b/, 'containers'],
  [/^test\/swarm\b/, 'swarm'],
  [/^test\/(integration|scenario)\b/, 'integration'],
]

/** The ring of each file or folder below test/ that a person named, as steps; what else was named (flags of vitest) goes to each of them. */
export function chosenRings(chosen) {
  const named = chosen.map((one) =>
    one.startsWith(`${root}/`) ? one.slice(root.length + 1) : one.replace(/^\.\//, ''),
  )
  const paths = named.filter((one) => one.startsWith('test/'))
  const others = named.filter((one) => !paths.includes(one))
  const byRing = new Map(paths.length === 0 ? [['quick', []]] : [])
  for (const path of paths) {
    const name = OF_FOLDER.find(([folder]) => folder.test(path))?.[1] ?? 'quick'
    byRing.set(name, [...(byRing.get(name) ?? []), path])
  }
  return [...byRing].map(([name, files]) => ring(name, [...files, ...others]))
}
