/*
 * `npm run test:all`: all that there is, for before an issue is closed: the rings of `npm test`, and then what is long by nature: the whole fault
 * matrix and 200 random schedules, all pairs of versions, several Swarm managers, every flavor filled, and the service on Node 24. About four hours on two cores.
 */
import { orExplain, prepare, root } from './machine.mjs'
import { CHECK, containerParts, ring } from './rings.mjs'
import { closing, runSteps, tableOf } from './steps.mjs'

/** In turn: what is measured or held for long must not wait for a neighbour. */
const ALL = [
  CHECK,
  ...['quick', 'integration', 'faults', 'containers', 'swarm'].map((name) => ring(name)),
  ...['on-node-24', 'long', 'containers-long', 'swarm-long', 'faults-whole'].map((name) => ring(name)),
]

await orExplain(async () => {
  process.chdir(root)
  await prepare('containers', containerParts)
  const done = await runSteps(ALL)
  const { line, code } = closing('all tests', done)
  process.stdout.write(`\n${tableOf(done)}${line}`)
  return code
})
