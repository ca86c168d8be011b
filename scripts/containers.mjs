/*
 * `npm run test:containers [-- FILTER]`: the replication scenario, faults and the version matrix with guests in containers, on a Docker Engine
 * of the tests' own and on a Swarm of three. Installs the engine where apt is there; base images are made by debootstrap, so no registry is
 * needed.
 */
import { pathToFileURL } from 'node:url'
import { makeBases } from './bases.mjs'
import { orExplain, prepare, root } from './machine.mjs'
import { runTests } from './run-tests.mjs'

const PROJECTS = ['containers', 'swarm']

/** Prepares the machine and runs them, one engine or three at a time; answers with a count each. A filter that names one folder runs that. */
export async function testContainers(filters = []) {
  await prepare('containers')
  await makeBases()
  const named = PROJECTS.filter((project) => filters.some((filter) => filter.includes(`test/${project}`)))
  const runs = []
  for (const project of named.length > 0 ? named : PROJECTS)
    runs.push(await runTests(project, ['--project', project, ...filters], { namespace: true }))
  return runs
}

if (import.meta.url === pathToFileURL(process.argv[1]).href)
  await orExplain(async () => {
    process.chdir(root)
    const runs = await testContainers(process.argv.slice(2))
    const sum = (of) => runs.reduce((total, one) => total + of(one), 0)
    process.stdout.write(
      `containers: ${sum(({ passed }) => passed)} passed, ${sum(({ failed }) => failed)} failed\n`,
    )
    return Math.max(...runs.map(({ code }) => code))
  })
