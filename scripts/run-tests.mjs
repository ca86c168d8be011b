/* One run of vitest: in a namespace of its own when it changes network rules; processes that it leaves behind count as failures. */
import { randomUUID } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root, run } from './machine.mjs'
import { stoppedBy } from './signals.mjs'

/** What was told to stop is ended by force after this. */
const END_MS_MAX = 15_000

export const bin = (name, file) => join(root, 'node_modules', name, file)

/**
 * Runs vitest with `args`; answers with its exit code and what was counted. `kept`: what it prints is in the answer instead. `node`: the
 * program of another Node than this one.
 */
export async function runTests(
  name,
  args,
  { namespace = false, env = {}, kept = false, node = process.execPath } = {},
) {
  const dir = join(root, '.tmp')
  const [report, printed] = [join(dir, `${name}.json`), join(dir, `${name}.out`)]
  mkdirSync(dir, { recursive: true })
  rmSync(report, { force: true })
  const vitest = [bin('vitest', 'vitest.mjs'), 'run', '--reporter=default', '--reporter=json']
  const command = [node, ...vitest, `--outputFile.json=${report}`, ...args]
  const output = kept ? openSync(printed, 'w') : undefined
  const { code, left } = await runMarked(
    namespace ? [process.execPath, join(root, 'scripts', 'namespace.mjs'), ...command] : command,
    { env, output },
  )
  if (output !== undefined) closeSync(output)
  for (const { line } of left) process.stdout.write(`left behind by ${name}: ${line}\n`)
  const { passed, failed } = counts(report)
  return {
    code: code !== 0 ? code : left.length > 0 ? 1 : 0,
    passed,
    failed: failed + left.length,
    output: kept ? readFileSync(printed, 'utf8') : '',
  }
}

/**
 * Runs a command that starts services; answers with its exit code and the processes that it left. Told to stop it does not end them itself, so
 * they are ended here, told by a mark in their environment.
 */
export async function runMarked([command, ...args], { env = {}, output } = {}) {
  const mark = `REDTROVE_TEST_RUN=${randomUUID()}`
  const [name, value] = mark.split('=')
  const code = await run(command, args, { env: { ...process.env, ...env, [name]: value }, output })
  if (stoppedBy()) await endAll(mark)
  return { code, left: await leftBehind(mark) }
}

/** First as they are meant to be stopped, after some seconds by force. */
async function endAll(mark) {
  const asked = new Set()
  const deadline = Date.now() + END_MS_MAX
  for (let found = marked(mark); found.length > 0; found = marked(mark)) {
    const late = Date.now() > deadline
    for (const { pid } of found.filter(({ pid }) => late || !asked.has(pid))) {
      kill(pid, late ? 'SIGKILL' : 'SIGTERM')
      asked.add(pid)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

function kill(pid, signal) {
  try {
    process.kill(pid, signal)
  } catch {
    // Gone already: what we wanted.
  }
}

function counts(report) {
  try {
    const { numPassedTests, numFailedTests, numTotalTests } = JSON.parse(readFileSync(report, 'utf8'))
    return { passed: numPassedTests, failed: numFailedTests || (numTotalTests === 0 ? 1 : 0) }
  } catch {
    return { passed: 0, failed: 1 }
  }
}

/** Given two seconds to end. */
async function leftBehind(mark) {
  for (let attempt = 0; ; attempt++) {
    const found = marked(mark)
    if (found.length === 0 || attempt === 20) return found
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** Every process that the run started carries the mark in its environment. */
function marked(mark) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        if (!readFileSync(`/proc/${name}/environ`, 'utf8').split('\0').includes(mark)) return []
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ')
        return [{ pid: Number(name), line: `${name} ${command.slice(0, 200)}` }]
      } catch {
        return []
      }
    })
}
