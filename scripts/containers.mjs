/*
 * `npm run test:containers [-- FILTER]`: the replication scenario, partitions and the version matrix with guests in containers, on a
 * Docker Engine of the tests' own. Installs the engine where apt is there; base images are made by debootstrap, so no registry is needed.
 */
import { pathToFileURL } from 'node:url'
import { makeBases } from './bases.mjs'
import { orExplain, prepare, root } from './machine.mjs'
import { runTests } from './run-tests.mjs'

/** Prepares the machine and runs them. */
export async function testContainers(filters = []) {
  await prepare('containers')
  await makeBases()
  return runTests('containers', ['--project', 'containers', ...filters], { namespace: true })
}

if (import.meta.url === pathToFileURL(process.argv[1]).href)
  await orExplain(async () => {
    process.chdir(root)
    const { code, passed, failed } = await testContainers(process.argv.slice(2))
    process.stdout.write(`containers: ${passed} passed, ${failed} failed\n`)
    return code
  })
