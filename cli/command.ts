import type { Client } from './client.js'
import type { FollowOptions } from './follow.js'
import type { Output } from './output.js'

/** What every command may use. Made when it runs, so that help needs no settings. */
export interface CommandContext {
  readonly client: Client
  readonly output: Output
  readonly follow: FollowOptions
}

/** Gives a command its context and turns its failures into the exit code. */
export type Run = (act: (context: CommandContext) => Promise<void>) => Promise<void>
