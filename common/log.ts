import { type Logger as Pino, pino } from 'pino'

export type Logger = Pino

/** Keys whose values never reach a log, at any depth we use. */
const SECRET_KEYS = [
  'password',
  'credentials',
  'token',
  'sealKey',
  'sealedCredentials',
  'sealedPassword',
  'amqpUrl',
  'authorization',
  'masterauth',
]

/**
 * One line of JSON a decision on standard error, or in `file`: constant phrase as message, facts as fields (`instanceId`, `operationId`,
 * `requestId`). error = a person should look; warn = taken back or tried again; info = a decision; debug = the rest.
 */
export function createLogger(service: string, level: string, file?: string): Logger {
  return pino(
    {
      name: service,
      level,
      base: { service, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), censor: '[redacted]' },
    },
    pino.destination({ dest: file ?? 2, sync: true, mkdir: true, mode: 0o600 }),
  )
}
