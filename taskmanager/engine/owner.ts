import { randomUUID } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'

/*
 * A lease's owner names where it runs, so that the next taskmanager of the same machine need not wait for a lease whose owner it
 * can see to be dead. This only saves time: whoever takes a lease wrongly overtakes its owner, which the tokens make harmless.
 */
const SEPARATOR = '/'

const PLACE = placeOfPids()

/** The name of this process as the owner of leases, unlike any other's, also unlike its own earlier life's. */
export function ownerName(): string {
  return [PLACE ?? 'unknown', process.pid, randomUUID()].join(SEPARATOR)
}

/** True when the owner ran where this process runs and its process is no more. */
export function isSurelyGone(owner: string | null): boolean {
  const [place, pid] = (owner ?? '').split(SEPARATOR)
  if (!place || place !== PLACE || !/^[1-9]\d*$/.test(pid ?? '')) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH' // cast: errors of kill carry a code
  }
}

/** Where a process id means one process: this boot of the kernel and this namespace. Null where that cannot be told. */
function placeOfPids(): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot}:${readlinkSync('/proc/self/ns/pid').replace(/\D/g, '')}`
  } catch {
    return null
  }
}
