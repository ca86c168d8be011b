/* The whole truth: prepares the machine, checks types and style, runs every test, and looks for processes that were left behind. */
import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { orExplain, prepare, root, run } from './machine.mjs'

const bin = (name, file) => join(root, 'node_modules', name, file)

await orExplain(async () => {
  process.chdir(root)
  await prepare('tests')
  const marker = `REDTROVE_TEST_RUN=${randomUUID()}`
  const report = join(root, '.tmp', 'tests.json')
  mkdirSync(join(root, '.tmp'), { recursive: true })
  rmSync(report, { force: true })
  const env = { ...process.env, [marker.split('=')[0]]: marker.split('=')[1] }
  const steps = [
    ['types', () => run(process.execPath, [bin('typescript', 'bin/tsc'), '--noEmit'])],
    ['style', () => run(process.execPath, [bin('@biomejs/biome', 'bin/biome'), 'check', '.'])],
    [
      'tests',
      () =>
        run(
          process.execPath,
          [
            bin('vitest', 'vitest.mjs'),
            'run',
            '--reporter=default',
            '--reporter=json',
            `--outputFile.json=${report}`,
            ...process.argv.slice(2),
          ],
          env,
        ),
    ],
  ]
  for (const [name, step] of steps) {
    process.stderr.write(`test: ${name} ...\n`)
    const code = await step()
    if (name === 'tests') {
      const left = await leftBehind(marker)
      const { passed, failed } = counts(report)
      for (const line of left) process.stdout.write(`left behind: ${line}\n`)
      process.stdout.write(`tests: ${passed} passed, ${failed + left.length} failed\n`)
      return code !== 0 ? code : left.length > 0 ? 1 : 0
    }
    if (code !== 0) return code
  }
  return 1
})

function counts(report) {
  try {
    const { numPassedTests, numFailedTests, numTotalTests } = JSON.parse(readFileSync(report, 'utf8'))
    return { passed: numPassedTests, failed: numFailedTests || (numTotalTests === 0 ? 1 : 0) }
  } catch {
    return { passed: 0, failed: 1 }
  }
}

/** Every process that the run started carries the marker in its environment; given two seconds to end. */
async function leftBehind(marker) {
  for (let attempt = 0; ; attempt++) {
    const found = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
      .flatMap((pid) => carrying(pid, marker))
    if (found.length === 0 || attempt === 20) return found
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

function carrying(pid, marker) {
  try {
    if (!readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(marker)) return []
    return [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').slice(0, 200)}`]
  } catch {
    return []
  }
}
