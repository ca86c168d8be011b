import type { ChildProcess } from 'node:child_process'

/** Ends what is left of the groups that these children lead, and forgets them: each was started `detached`. */
export function endGroups(children: ChildProcess[]): void {
  for (const { pid = 0 } of children.splice(0)) if (groupHasSome(pid)) process.kill(-pid, 'SIGKILL')
}

/** Whether a process of the group that `pid` leads, or led, is there. */
export function groupHasSome(pid: number): boolean {
  try {
    return process.kill(-pid, 0)
  } catch {
    return false
  }
}
