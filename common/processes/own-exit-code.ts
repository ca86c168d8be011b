/**
 * Has this process end with its own exit code, however often it is told to end meanwhile. Node gives signals their default effect back while
 * it tears itself down, which takes some milliseconds: the second signal of one wish would then kill a program that has closed everything, and
 * its starter would be told of a death by a signal. That part is left out. To be called once, by a program that listens for signals.
 */
export function leaveWithOwnCode(): void {
  process.once('exit', (code) => process.exit(code))
}
