import type { DatabaseNow } from '../../store/database-clock.js'

/** A database whose clock says what `nowMs` says, for `openStore`. */
export function clockOf(nowMs: () => number): DatabaseNow {
  return (db) => db.raw('cast(? as bigint)', [nowMs()])
}
