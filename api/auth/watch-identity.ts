import { unwatchFile, watchFile } from 'node:fs'
import { messageOf } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import { readIdentity, type ServerIdentity } from '../../common/tls/certificates.js'

/** How soon a renewed certificate is seen. Milliseconds. */
export const RENEWAL_LOOK_MS = 5_000
const DAY_MS = 86_400_000
const WARN_DAYS = 30

/** How often to look, and who is told. */
export interface WatchOptions {
  readonly lookMs: number
  readonly log: Logger
}

/**
 * Hands on what the two files hold whenever one of them has changed and both fit together; says so when they do not, and the old
 * certificate stays. Looks at the files instead of waiting for events, which do not come through links and mounts. Ends when it is called.
 */
export function watchIdentity(
  certFile: string,
  keyFile: string,
  take: (identity: Pick<ServerIdentity, 'cert' | 'key'>) => void,
  { lookMs, log }: WatchOptions,
): () => void {
  const renew = () => {
    try {
      const { cert, key, leaf } = readIdentity(certFile, keyFile)
      take({ cert, key })
      log.info({ validTo: leaf.validTo }, 'certificate taken anew')
    } catch (error) {
      // Between the writing of the two files this is as it must be.
      log.warn({ reason: messageOf(error) }, 'changed certificate not taken')
    }
  }
  const files = [certFile, keyFile]
  for (const file of files) watchFile(file, { interval: lookMs, persistent: false }, renew)
  warnOfEnd(certFile, keyFile, log)
  const daily = setInterval(() => warnOfEnd(certFile, keyFile, log), DAY_MS)
  daily.unref()
  return () => {
    clearInterval(daily)
    for (const file of files) unwatchFile(file, renew)
  }
}

function warnOfEnd(certFile: string, keyFile: string, log: Logger): void {
  try {
    const { validTo } = readIdentity(certFile, keyFile).leaf
    const daysLeft = Math.floor((Date.parse(validTo) - Date.now()) / DAY_MS)
    if (daysLeft < WARN_DAYS) log.warn({ validTo, daysLeft }, 'the certificate of the API ends soon')
  } catch (error) {
    log.warn({ reason: messageOf(error) }, 'the certificate of the API cannot be read')
  }
}
