/* `npm run bench [-- NAME …]`: measures beside the baselines and writes bench/results.md; some names alone only print. */
import { join } from 'node:path'
import { orExplain, prepare, root } from './machine.mjs'
import { bin, runMarked } from './run-tests.mjs'

await orExplain(async () => {
  process.chdir(root)
  await prepare('tests')
  const { code, left } = await runMarked([
    process.execPath,
    bin('tsx', 'dist/cli.mjs'),
    join(root, 'bench', 'main.ts'),
    ...process.argv.slice(2),
  ])
  for (const { line } of left) process.stdout.write(`left behind: ${line}\n`)
  return code
})
