import { lastWords } from './server-log.js'

/** How a child of this agent ended; one that was adopted ends unseen. */
export interface ServerExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

const KILLED = 'it was killed (SIGKILL), by somebody or by the kernel for want of memory'

/**
 * Why a redis-server ended, as the rest of a sentence for a fault. A server that was killed could say nothing, so whatever its log
 * ends with is not the cause. `log` is what it wrote since its start; none of `secrets` is repeated.
 */
export function howEnded(exit: ServerExit | null, log: string, secrets: readonly string[]): string {
  if (exit?.signal === 'SIGKILL') return KILLED
  const words = lastWords(log, secrets)
  if (words !== null) return words
  if (exit?.signal) return `it was ended by ${exit.signal} and left no message`
  return exit?.code ? `it ended with code ${exit.code} and left no message` : 'it left no message'
}
