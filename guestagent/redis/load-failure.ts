/** Lines with which a server ends because it cannot load its data, of versions 2.8 to 8 and Valkey. */
const FAILURES = [
  /Bad file format reading the append only file(?: (?<file>\S+?))?:/,
  /Unexpected end of file reading the append only file(?: (?<file>[^\s.]\S*?))?[.:]/,
  /Unknown command '.*' reading the append only file(?: (?<file>\S+))?/,
  /Unrecoverable error reading the append only file(?: (?<file>\S+?))?:/,
  /Error reading the RDB preamble of the AOF file(?: (?<file>\S+?))?,/,
  /the truncated file is not the last file/,
  /FATAL AOF MANIFEST FILE ERROR/,
  /Unable to obtain the AOF file (?<file>\S+) length/,
  /Internal error in RDB reading .*-> (?<detail>.*)$/m,
  /Short read or OOM loading DB/,
  /Wrong signature trying to load DB from file/,
  /RDB CRC error|Wrong RDB checksum/,
]
const RDB_FILE = /Checking RDB file (\S+)/

/**
 * Why a server that ended could not load its data, as a sentence with the file's name where the log has it; null when it ended of
 * something else. `log` is what it wrote since its start.
 */
export function loadFailureIn(log: string): string | null {
  for (const pattern of FAILURES) {
    const found = pattern.exec(log)
    if (!found) continue
    const file = found.groups?.file ?? RDB_FILE.exec(log)?.[1]
    const line = found[0].replace(/[:,.]$/, '').trim()
    return `${file === undefined ? 'a file of its data' : file} is damaged (${found.groups?.detail?.trim() ?? line})`
  }
  return null
}
