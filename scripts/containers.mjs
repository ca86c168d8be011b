/*
 * `npm run test:containers [-- FILTER]`: the replication scenario, faults and versions with guests in containers, on a Docker Engine of the
 * tests' own and on a Swarm of three. Installs the engine where apt is there; base images are made by mmdebstrap, so no registry is needed.
 */
import { orExplain, root } from './machine.mjs'
import { ring } from './rings.mjs'
import { closing, runSteps, tableOf } from './steps.mjs'

const RINGS = ['containers', 'swarm']

await orExplain(async () => {
  process.chdir(root)
  const filters = process.argv.slice(2)
  const named = RINGS.filter((name) => filters.some((filter) => filter.includes(`test/${name}`)))
  const steps = (named.length > 0 ? named : RINGS).map((name) => ring(name, filters))
  const done = await runSteps(steps)
  const { line, code } = closing('containers', done)
  process.stdout.write(`\n${tableOf(done)}${line}`)
  return code
})
