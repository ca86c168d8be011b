import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

/** Called at both edges of every step. */
export type Failpoint = (kind: string, step: string, edge: 'before' | 'after') => void

const never: Failpoint = () => {}
const FILE = 'file:'

/**
 * Kills this process (SIGKILL) at one edge of one step, for crash tests: `kind/step/before`, `kind/step/after`, each with
 * `@/path/marker` to die once only (the marker is written first). `file:/path` reads the place from a file at every edge and
 * removes the file before it dies. For a taskmanager `kind` is the operation's, for an agent it is `guestagent`. No setting, no
 * failpoint.
 */
export function failpoint(setting: string | undefined): Failpoint {
  if (!setting) return never
  return setting.startsWith(FILE) ? fromFile(setting.slice(FILE.length)) : fixed(setting)
}

function fromFile(file: string): Failpoint {
  return (kind, step, edge) => {
    if (!existsSync(file) || readFileSync(file, 'utf8').trim() !== `${kind}/${step}/${edge}`) return
    rmSync(file)
    process.kill(process.pid, 'SIGKILL')
  }
}

function fixed(setting: string): Failpoint {
  const at = setting.indexOf('@')
  const place = at < 0 ? setting : setting.slice(0, at)
  const marker = at < 0 ? null : setting.slice(at + 1)
  return (kind, step, edge) => {
    if (`${kind}/${step}/${edge}` !== place) return
    if (marker) {
      if (existsSync(marker)) return
      writeFileSync(marker, `${process.pid}\n`)
    }
    process.kill(process.pid, 'SIGKILL')
  }
}
