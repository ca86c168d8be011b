import { setTimeout as delay } from 'node:timers/promises'
import { printable } from '../common/printable.js'
import type { Client, Operation } from './client.js'
import { CliError, EXIT } from './exit-codes.js'
import { type Output, REWRITE } from './output.js'

const POLL_MS = 150
const ENDED = ['done', 'rolled_back', 'failed']

/** Whether to wait for an operation, and for how long. */
export interface FollowOptions {
  readonly wait: boolean
  readonly timeoutSeconds: number
}

/**
 * Waits for the end of an operation and shows its steps as they come; an API that is away for a while is asked again. Without
 * waiting it says how to look. Fails with exit code 1 when the operation did not succeed, 6 when the time is over.
 */
export async function follow(
  client: Client,
  operationId: string | null,
  { wait, timeoutSeconds }: FollowOptions,
  output: Output,
): Promise<Operation | null> {
  if (!operationId) return null
  if (!wait) {
    output.note(`Accepted as operation ${operationId}; look at it with: ${lookAt(operationId)}`)
    return null
  }
  const deadline = performance.now() + timeoutSeconds * 1000
  const shown = new Map<number, string>()
  let seen = 'was not seen'
  for (;;) {
    const operation = await look(client, operationId)
    if (operation) {
      showSteps(operation, shown, output)
      if (ENDED.includes(operation.state)) return ended(operation, output)
      seen = `is ${operation.state}`
    }
    if (performance.now() >= deadline) {
      throw new CliError(
        EXIT.timedOut,
        `Operation ${operationId} ${seen} after ${timeoutSeconds} s and goes on; look again with: ${lookAt(operationId)}`,
      )
    }
    await delay(POLL_MS)
  }
}

function lookAt(operationId: string): string {
  return `redtrove operation show ${operationId}`
}

/** null while the API does not answer: the operation does not depend on it. */
async function look(client: Client, operationId: string): Promise<Operation | null> {
  try {
    return (await client.get<{ operation: Operation }>(`/operations/${operationId}`)).operation
  } catch (error) {
    if (error instanceof CliError && error.exitCode === EXIT.unreachable) return null
    throw error
  }
}

/** A line a step when it begins, when its detail changes, and when it ends; a terminal's last line is written over. */
function showSteps({ steps = [] }: Operation, shown: Map<number, string>, output: Output): void {
  for (const [index, step] of steps.entries()) {
    const line = stepLine(step)
    if (shown.get(index) === line) continue
    if (!output.canRewrite) output.note(line)
    else {
      // A line that wraps could not be written over as a whole.
      const fitting = line.length < output.columns ? line : `${line.slice(0, output.columns - 2)}…`
      output.note(shown.has(index) && index === shown.size - 1 ? `${REWRITE}${fitting}` : fitting)
    }
    shown.set(index, line)
  }
}

type Step = NonNullable<Operation['steps']>[number]

function stepLine(step: Step): string {
  const mark = { running: '…', done: '✓', failed: '✗', taken_back: '↶' }[step.state]
  const took = step.duration_ms === null ? '' : ` (${step.duration_ms} ms)`
  return printable(`  ${mark} ${step.name}${step.detail ? `: ${step.detail}` : ''}${took}`)
}

function ended(operation: Operation, output: Output): Operation {
  const { state, fault, result, kind } = operation
  if (state === 'done') {
    const summary = typeof result?.summary === 'string' ? `: ${printable(result.summary)}` : ''
    output.note(`${kind} done in ${operation.duration_ms ?? 0} ms${summary}`)
    return operation
  }
  const outcome = state === 'rolled_back' ? 'was taken back, everything is as before' : 'failed'
  throw new CliError(EXIT.operationFailed, `${kind} ${outcome}: ${fault ?? 'no reason was recorded'}`)
}
