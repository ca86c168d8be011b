/*
 * `npm run test:faults [-- FILTER]`: the whole fault matrix and 200 random schedules (about two hours on two cores).
 * REDTROVE_TEST_SEEDS=7 or 7-12 chooses the schedules.
 */
import { orExplain, prepare, root } from './machine.mjs'
import { ring } from './rings.mjs'
import { closing, runSteps } from './steps.mjs'

await orExplain(async () => {
  process.chdir(root)
  await prepare('tests')
  const { line, code } = closing('faults', await runSteps([ring('faults-whole', process.argv.slice(2))]))
  process.stdout.write(line)
  return code
})
