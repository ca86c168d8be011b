import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { messageOf } from '../common/errors.js'
import { openClient } from './client.js'
import type { CommandContext, Run } from './command.js'
import { addCatalogCommands } from './commands/catalog.js'
import { addInstanceCommands } from './commands/instance.js'
import { addOperationCommands } from './commands/operation.js'
import { addReplicationCommands } from './commands/replication.js'
import { addRootCommands } from './commands/root.js'
import { CliError, EXIT } from './exit-codes.js'
import { type Output, safeLines } from './output.js'
import { clientSettings } from './settings.js'

/** Where a run writes; a test owns it. */
export interface Streams {
  readonly print: (text: string) => void
  readonly note: (text: string) => void
  /** Standard output is a person's terminal. */
  readonly isTerminal: boolean
  /** Standard error can write over its last line. */
  readonly canRewrite: boolean
  /** Columns of the terminal. */
  readonly columns: number
  /** The environment, when it is not the process's own. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

const STANDARD: Streams = {
  print: (text) => void process.stdout.write(`${text}\n`),
  note: (text) => void process.stderr.write(`${text}\n`),
  isTerminal: process.stdout.isTTY === true,
  canRewrite: process.stderr.isTTY === true,
  // 0 on a terminal that does not know its own width.
  columns: process.stderr.columns || 80,
}

interface GlobalOptions {
  readonly json?: boolean
  readonly wait?: boolean
  /** Seconds. */
  readonly timeout: number
}

/** Runs one command line and answers with its exit code (`exit-codes.ts`). Never rejects. */
export async function run(args: readonly string[], wanted: Streams = STANDARD): Promise<number> {
  const streams = safeStreams(wanted)
  const program = buildProgram(streams)
  try {
    await program.parseAsync([...args], { from: 'user' })
    return EXIT.ok
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    streams.note(`redtrove: ${messageOf(error)}`)
    return error instanceof CliError ? error.exitCode : EXIT.unreachable
  }
}

/** The one way out: names, and sentences that quote them, come from other people. */
function safeStreams(streams: Streams): Streams {
  return {
    ...streams,
    print: (text) => streams.print(safeLines(text)),
    note: (text) => streams.note(safeLines(text)),
  }
}

function buildProgram(streams: Streams): Command {
  const program = new Command('redtrove')
    .description('Redis and Valkey as a service')
    .option('--json', 'print JSON')
    .option('--wait', 'wait for the end and show the steps (default on a terminal)')
    .option('--no-wait', 'return as soon as it is accepted')
    .option('--timeout <seconds>', 'how long to wait', positive, 600)
    .exitOverride()
    .showHelpAfterError()
    .addHelpText('after', HELP)
    .configureOutput({
      writeOut: (text) => streams.print(text.trimEnd()),
      writeErr: (text) => streams.note(text.trimEnd()),
    })
  const run: Run = (act) => act(contextOf(program.opts<GlobalOptions>(), streams))
  for (const add of [
    addInstanceCommands,
    addReplicationCommands,
    addOperationCommands,
    addRootCommands,
    addCatalogCommands,
  ]) {
    add(program, run)
  }
  inherit(program)
  return program
}

/** Options of the program are understood anywhere on the line, and failures of any command come back to `run`. */
function inherit(command: Command): void {
  for (const child of command.commands) {
    child.exitOverride().configureOutput(command.configureOutput())
    inherit(child)
  }
}

function contextOf(options: GlobalOptions, streams: Streams): CommandContext {
  const settings = clientSettings(streams.env)
  const output: Output = { json: options.json === true, ...streams }
  return {
    client: openClient(settings),
    output,
    follow: { wait: options.wait ?? streams.isTerminal, timeoutSeconds: options.timeout },
  }
}

function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new InvalidArgumentError('must be a number above 0.')
  return value
}

const HELP = `
Also: redtrove serve all|api|taskmanager|host, redtrove demo [--keep]

Exit codes: 0 done, 1 the operation failed or was taken back, 2 usage, 3 not found, 4 refused, 5 no answer or server error,
6 --timeout is over, 78 settings missing. Settings: REDTROVE_URL and REDTROVE_TOKEN, as in .redtrove/clientrc,
and REDTROVE_CA_FILE for a service with a private CA.`
