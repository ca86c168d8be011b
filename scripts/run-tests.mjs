/* One run of vitest: in a namespace of its own when it changes network rules; processes that it leaves behind count as failures. */
import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root, run } from './machine.mjs'

export const bin = (name, file) => join(root, 'node_modules', name, file)

/** Runs vitest with `args`; answers with its exit code and what was counted. */
export async function runTests(name, args, { namespace = false, env = {} } = {}) {
  process.stderr.write(`test: ${name} ...\n`)
  const mark = `${randomUUID()}`
  const report = join(root, '.tmp', `${name}.json`)
  mkdirSync(join(root, '.tmp'), { recursive: true })
  rmSync(report, { force: true })
  const vitest = [bin('vitest', 'vitest.mjs'), 'run', '--reporter=default', '--reporter=json']
  const command = [...vitest, `--outputFile.json=${report}`, ...args]
  const code = await run(
    process.execPath,
    namespace ? [join(root, 'scripts', 'namespace.mjs'), process.execPath, ...command] : command,
    { ...process.env, ...env, REDTROVE_TEST_RUN: mark },
  )
  const left = await leftBehind(`REDTROVE_TEST_RUN=${mark}`)
  for (const line of left) process.stdout.write(`left behind: ${line}\n`)
  const { passed, failed } = counts(report)
  return { code: code !== 0 ? code : left.length > 0 ? 1 : 0, passed, failed: failed + left.length }
}

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
