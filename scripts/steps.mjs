/*
 * Steps side by side, as many at once as the machine carries. Each step's output is kept until the step has ended and then printed whole;
 * meanwhile a line every half minute says what is under way.
 */
const SAY_EVERY_MS = 30_000

/**
 * Runs steps in their order, `atOnce` of them side by side. A step is `{ name, act }`; `act({ kept })` answers with
 * `{ code, passed, failed, output? }`, where `kept` says that others print too, so that the output belongs into the answer. Resolves
 * with all answers and how long each took. A step that fails does not stop the others: a person wants to see all that is red.
 */
export async function runSteps(steps, { atOnce = 1 } = {}) {
  const startedAtMs = performance.now()
  const waiting = [...steps]
  const running = new Map()
  const done = []
  const saying = setInterval(() => sayRunning(running, startedAtMs), SAY_EVERY_MS)
  const runStep = async ({ name, act }) => {
    const atMs = performance.now()
    running.set(name, atMs)
    process.stderr.write(`test: ${name} ...\n`)
    const answer = await act({ kept: atOnce > 1 }).catch(broken)
    running.delete(name)
    const tookMs = performance.now() - atMs
    if (answer.output) process.stdout.write(answer.output)
    process.stderr.write(`test: ${name}: ${verdictOf(answer)} in ${seconds(tookMs)} s\n`)
    done.push({ name, tookMs, ...answer })
  }
  const runOn = async () => {
    for (let step = waiting.shift(); step; step = waiting.shift()) await runStep(step)
  }
  try {
    await Promise.all(Array.from({ length: atOnce }, runOn))
  } finally {
    clearInterval(saying)
  }
  return done
}

/** A step that could not even begin is a failure beside the others', not their end. */
function broken(error) {
  return {
    code: 1,
    passed: 0,
    failed: 1,
    output: `${error instanceof Error ? error.message : String(error)}\n`,
  }
}

/** What each step took and counted, for the end of a run. */
export function tableOf(done) {
  const rows = done.map(
    ({ name, tookMs, passed, failed }) =>
      `  ${name.padEnd(14)}${seconds(tookMs).padStart(6)} s ${String(passed).padStart(6)} passed ${String(failed).padStart(4)} failed`,
  )
  return `${rows.join('\n')}\n`
}

/** The sentence that CI reads, and the exit code. */
export function closing(what, done) {
  const sum = (of) => done.reduce((total, one) => total + of(one), 0)
  const passed = sum((one) => one.passed)
  const failed = sum((one) => one.failed)
  return {
    line: `${what}: ${passed} passed, ${failed} failed\n`,
    code: Math.max(0, ...done.map(({ code }) => code)),
  }
}

function sayRunning(running, startedAtMs) {
  const now = performance.now()
  const rings = [...running].map(([name, atMs]) => `${name} for ${seconds(now - atMs)} s`)
  process.stderr.write(`test: ${seconds(now - startedAtMs)} s; under way: ${rings.join(', ')}\n`)
}

function verdictOf({ code, passed, failed }) {
  if (passed === 0 && failed === 0) return code === 0 ? 'done' : 'failed'
  return `${passed} passed, ${failed} failed`
}

function seconds(ms) {
  return String(Math.round(ms / 1000))
}
