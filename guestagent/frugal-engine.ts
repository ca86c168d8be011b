/* How V8 is told to optimise only what is really hot. Its name for that changed between Node 20 and 22. */
import { setFlagsFromString } from 'node:v8'

/** Of the first Node whose V8 counts calls instead of a budget of bytecode. */
const COUNTS_CALLS_SINCE = 22

/**
 * The V8 flags of an agent for a major version of Node. There are many agents and each has little to do: compiling costs ten megabytes
 * that V8 never gives back, so that a function has to be about thirty times as hot as usual. They are no arguments of the
 * command, because Node ends with "bad option" at a flag that its V8 does not know.
 */
export function frugalFlags(nodeMajor: number): readonly string[] {
  return nodeMajor < COUNTS_CALLS_SINCE
    ? ['--interrupt-budget=2000000']
    : ['--no-maglev', '--invocation-count-for-turbofan=90000']
}

/** Applies them to this process. May be repeated. */
export function optimiseLittle(): void {
  for (const flag of frugalFlags(Number.parseInt(process.versions.node, 10))) setFlagsFromString(flag)
}
