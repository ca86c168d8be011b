import type { Client, Operation } from './client.js'
import { CliError, EXIT } from './exit-codes.js'
import type { Output } from './output.js'

const POLL_MS = 150
const ENDED = ['done', 'rolled_back', 'failed']

export interface FollowOptions {
  readonly wait: boolean
  readonly timeoutSeconds: number
}

/**
 * Waits for the end of an operation and shows its steps as they come. Without waiting it says how to look. Fails with exit code
 * 1 when the operation did not succeed, 6 when the time is over.
 */
export async function follow(
  client: Client,
  operationId: string | null,
  { wait, timeoutSeconds }: FollowOptions,
  output: Output,
): Promise<Operation | null> {
  if (!operationId) return null
  if (!wait) {
    output.note(
      `Accepted as operation ${operationId}; look at it with: redtrove operation show ${operationId}`,
    )
    return null
  }
  const deadline = performance.now() + timeoutSeconds * 1000
  const shown = new Map<number, string>()
  for (;;) {
    const { operation } = await client.get<{ operation: Operation }>(`/operations/${operationId}`)
    showSteps(operation, shown, output)
    if (ENDED.includes(operation.state)) return ended(operation, output)
    if (performance.now() >= deadline) {
      throw new CliError(
        EXIT.timedOut,
        `Operation ${operationId} is ${operation.state} after ${timeoutSeconds} s and goes on; look again with: redtrove operation show ${operationId}`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

/** A line a step when it begins, when its detail changes, and when it ends; a terminal's last line is written over. */
function showSteps({ steps = [] }: Operation, shown: Map<number, string>, output: Output): void {
  for (const [index, step] of steps.entries()) {
    const took = step.duration_ms === null ? '' : ` (${step.duration_ms} ms)`
    const mark = { running: '…', done: '✓', failed: '✗', taken_back: '↶' }[step.state]
    const line = `  ${mark} ${step.name}${step.detail ? `: ${step.detail}` : ''}${took}`
    if (shown.get(index) === line) continue
    const rewrite = output.isTerminal && shown.has(index) && index === steps.length - 1
    output.note(rewrite ? `\u001b[1A\u001b[2K${line}` : line)
    shown.set(index, line)
  }
}

function ended(operation: Operation, output: Output): Operation {
  const { state, fault, result, kind } = operation
  if (state === 'done') {
    output.note(
      `${kind} done in ${operation.duration_ms ?? 0} ms${typeof result?.summary === 'string' ? `: ${result.summary}` : ''}`,
    )
    return operation
  }
  const outcome = state === 'rolled_back' ? 'was taken back, everything is as before' : 'failed'
  throw new CliError(EXIT.operationFailed, `${kind} ${outcome}: ${fault ?? 'no reason was recorded'}`)
}
