/** What scripts can rely on. */
export const EXIT = {
  ok: 0,
  /** The operation was taken back or failed. */
  operationFailed: 1,
  usage: 2,
  notFound: 3,
  /** Another 4xx. */
  refused: 4,
  /** No answer, or a 5xx. */
  unreachable: 5,
  /** `--timeout` is over; the operation goes on. */
  timedOut: 6,
  badSetting: 78,
} as const

/** A failure that ends the command: one sentence on standard error and an exit code. */
export class CliError extends Error {
  readonly exitCode: number

  constructor(exitCode: number, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}
