import type { Stack, StackOptions } from '../stack.js'

/** Where guests run: what the one replication scenario needs of a compute provider, besides the API. */
export interface Place {
  readonly name: string
  /** The whole service with its guests here; on an existing state directory it is a second start. */
  open(options?: Pick<StackOptions, 'stateDir'>): Promise<Stack>
  /** Stops everything of a guest where it is, as a host that hangs does; the way to wake it again, which may find it gone. */
  freeze(stack: Stack, instanceId: string): Promise<() => Promise<void>>
  /** Of its agent and redis-server, on this machine; 0 for one that does not run. */
  pids(stack: Stack, instanceId: string): Promise<{ readonly agentPid: number; readonly serverPid: number }>
  /** What there is of guests. */
  left(stack: Stack): Promise<readonly string[]>
  /** Ends the service and what it left. */
  close(stack: Stack): Promise<void>
}
