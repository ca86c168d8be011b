/* The whole truth: prepares the machine, checks types and style, and runs every test, a short seeded part of the fault suite and guests in containers included. */
import { testContainers } from './containers.mjs'
import { orExplain, prepare, root, run } from './machine.mjs'
import { bin, runTests } from './run-tests.mjs'

/** Rings that need no namespace of their own. Named one by one: of two that are left out vitest takes each for the other's sake. */
const HERE = ['unit', 'messaging', 'workflows', 'store', 'api', 'guestagent', 'integration']

await orExplain(async () => {
  process.chdir(root)
  await prepare('tests')
  const chosen = process.argv.slice(2)
  process.stderr.write('test: types ...\n')
  const types = await run(process.execPath, [bin('typescript', 'bin/tsc'), '--noEmit'])
  if (types !== 0) return types
  process.stderr.write('test: style ...\n')
  const style = await run(process.execPath, [bin('@biomejs/biome', 'bin/biome'), 'check', '.'])
  if (style !== 0) return style
  const runs = [
    await runTests('tests', chosen.length > 0 ? chosen : HERE.flatMap((ring) => ['--project', ring])),
  ]
  if (chosen.length === 0) {
    runs.push(await runTests('faults', ['--project', 'faults'], { namespace: true }))
    runs.push(...(await testContainers()))
  }
  const sum = (of) => runs.reduce((total, one) => total + of(one), 0)
  process.stdout.write(
    `tests: ${sum(({ passed }) => passed)} passed, ${sum(({ failed }) => failed)} failed\n`,
  )
  return Math.max(...runs.map(({ code }) => code))
})
