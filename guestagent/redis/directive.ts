/** One line of redis.conf: a name in lower case and its arguments, unquoted. */
export type Directive = readonly [name: string, ...args: string[]]

/** Text of a redis.conf as directives; comments and blank lines are left out. A line with an open quote is null. */
export function parseConf(text: string): readonly Directive[] | null {
  const directives: Directive[] = []
  for (const line of text.split(/\r?\n/)) {
    const trimmed = line.trim()
    if (trimmed === '' || trimmed.startsWith('#')) continue
    const words = splitWords(trimmed)
    if (words === null) return null
    const [name, ...args] = words
    if (name !== undefined) directives.push([name.toLowerCase(), ...args])
  }
  return directives
}

/** Directives as the text of a redis.conf, each argument quoted where Redis needs it. */
export function renderConf(directives: readonly Directive[]): string {
  return `${directives.map(([name, ...args]) => [name, ...args.map(quoteWord)].join(' ')).join('\n')}\n`
}

const PLAIN = /^[\x21\x23-\x26\x28-\x5b\x5d-\x7e]+$/

/** A word as Redis reads it back unchanged: bytes that could end the word or the line travel as `\xHH`. */
export function quoteWord(word: string): string {
  if (PLAIN.test(word)) return word
  let quoted = ''
  for (const byte of Buffer.from(word, 'utf8')) {
    const char = String.fromCharCode(byte)
    if (byte < 0x20 || byte > 0x7e) quoted += `\\x${byte.toString(16).padStart(2, '0')}`
    else quoted += char === '"' || char === '\\' ? `\\${char}` : char
  }
  return `"${quoted}"`
}

const ESCAPES: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, b: 8, a: 7 }

/** Words of one line by Redis's quoting rules; null when a quote is not closed. */
export function splitWords(line: string): readonly string[] | null {
  const words: string[] = []
  let at = 0
  while (at < line.length) {
    while (at < line.length && /\s/.test(line.charAt(at))) at += 1
    if (at >= line.length) break
    const word = readWord(line, at)
    if (word === null) return null
    words.push(word.text)
    at = word.end
  }
  return words
}

function readWord(line: string, start: number): { text: string; end: number } | null {
  const quote = line.charAt(start)
  if (quote === '"' || quote === "'") return readQuoted(line, start + 1, quote)
  let end = start
  while (end < line.length && !/\s/.test(line.charAt(end))) end += 1
  return { text: line.slice(start, end), end }
}

function readQuoted(line: string, start: number, quote: string): { text: string; end: number } | null {
  const bytes: number[] = []
  let at = start
  while (at < line.length) {
    const char = line.charAt(at)
    if (char === quote) {
      const closed = at + 1 >= line.length || /\s/.test(line.charAt(at + 1))
      return closed ? { text: Buffer.from(bytes).toString('utf8'), end: at + 1 } : null
    }
    const taken =
      char === '\\'
        ? readEscape(line, at, quote)
        : { bytes: Buffer.from(codePoint(line, at)), length: codePoint(line, at).length }
    bytes.push(...taken.bytes)
    at += taken.length
  }
  return null
}

function codePoint(line: string, at: number): string {
  return String.fromCodePoint(line.codePointAt(at) ?? 0)
}

function readEscape(line: string, at: number, quote: string): { bytes: Uint8Array; length: number } {
  const next = line.charAt(at + 1)
  if (quote === "'") {
    return next === "'" ? { bytes: Buffer.from("'"), length: 2 } : { bytes: Buffer.from('\\'), length: 1 }
  }
  const hex = /^[0-9a-fA-F]{2}/.exec(line.slice(at + 2))
  if (next === 'x' && hex) return { bytes: Uint8Array.of(Number.parseInt(hex[0], 16)), length: 4 }
  const special = ESCAPES[next]
  if (special !== undefined) return { bytes: Uint8Array.of(special), length: 2 }
  const char = next === '' ? '' : codePoint(line, at + 1)
  return { bytes: Buffer.from(char), length: 1 + Math.max(1, char.length) }
}
