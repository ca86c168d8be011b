/* `npm run bench [-- NAME …]`: measures beside the baselines and writes bench/results.md; some names alone only print. */
import { join } from 'node:path'
import { orExplain, prepare, root, run } from './machine.mjs'
import { bin } from './run-tests.mjs'

await orExplain(async () => {
  process.chdir(root)
  await prepare('tests')
  return run(process.execPath, [
    bin('tsx', 'dist/cli.mjs'),
    join(root, 'bench', 'main.ts'),
    ...process.argv.slice(2),
  ])
})
