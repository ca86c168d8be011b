import { systemClock } from '../common/clock.js'
import { tellWaiting } from '../common/lifecycle.js'
import type { Logger } from '../common/log.js'
import { connectTrouble } from '../common/tls/trouble.js'
import { connect } from './connect.js'
import { migrate } from './migrate.js'
import { openStore } from './open-store.js'
import type { Store } from './store.js'

const RETRY_MS = 1_000

/** Where the database is. */
export interface DatabasePlace {
  readonly url: string
  /** Whose signature its certificate must bear; read anew for each connection. */
  readonly caFile?: string
}

/** Connects and brings the schema up to date; waits with a message while the database is away, until `signal` aborts. */
export async function connectStore(
  { url, caFile }: DatabasePlace,
  log: Logger,
  signal: AbortSignal,
): Promise<Store> {
  for (let said = ''; ; ) {
    const db = connect(url, caFile)
    try {
      await migrate(db)
      return openStore(db)
    } catch (error) {
      await db.destroy()
      const reason = connectTrouble(error, 'REDTROVE_DATABASE_CA_FILE')
      if (reason !== said) log.warn({ reason }, 'waiting for the database')
      said = reason
      tellWaiting('the database')
      await systemClock.sleep(RETRY_MS, signal)
    }
  }
}
