/*
 * `npm run test:faults [-- FILTER]`: the whole fault matrix and 200 random schedules (about an hour and a half on two cores).
 * REDTROVE_TEST_SEEDS=7 or 7-12 chooses the schedules.
 */
import { orExplain, prepare, root } from './machine.mjs'
import { runTests } from './run-tests.mjs'

await orExplain(async () => {
  process.chdir(root)
  await prepare('tests')
  const env = { REDTROVE_TEST_FAULTS: 'all', REDTROVE_TEST_SEEDS: process.env.REDTROVE_TEST_SEEDS ?? '1-200' }
  const { code, passed, failed } = await runTests(
    'faults',
    ['--project', 'faults', ...process.argv.slice(2)],
    {
      namespace: true,
      env,
    },
  )
  process.stdout.write(`faults: ${passed} passed, ${failed} failed\n`)
  return code
})
