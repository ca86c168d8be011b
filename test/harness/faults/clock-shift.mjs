/*
 * Loaded before a part of the service (node --import): its wall clock runs off by what the file named after the part says, in
 * milliseconds; monotonic time is left alone, as a stepped system clock leaves it.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = process.env.REDTROVE_TEST_CLOCKS
const at = process.argv.indexOf('serve')
if (folder && at > 0) shift(join(folder, process.argv[at + 1] ?? ''))

function shift(file) {
  const realNow = Date.now.bind(Date)
  let byMs = 0
  let readAtMs = Number.NEGATIVE_INFINITY
  const now = () => {
    if (performance.now() - readAtMs > 20) {
      readAtMs = performance.now()
      try {
        byMs = Number(readFileSync(file, 'utf8')) || 0
      } catch {
        byMs = 0
      }
    }
    return realNow() + byMs
  }
  globalThis.Date = class extends Date {
    constructor(...args) {
      if (args.length === 0) super(now())
      else super(...args)
    }
    static now = now
  }
}
