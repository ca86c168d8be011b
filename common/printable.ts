/** Control, format and separator characters, and halves of characters: they steer terminals or are shown as something else. */
const STEERING = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** Text that somebody else chose, as one line that steers nobody's terminal: each such character becomes a question mark. */
export function printable(text: string): string {
  return text.replaceAll(STEERING, '?')
}

/** JSON for people's terminals and for programs: the same characters are escaped, so the data stay what they are. */
export function printableJson(data: unknown): string {
  return JSON.stringify(data, null, 2).replaceAll(STEERING, (found) =>
    found === '\n'
      ? found
      : Array.from({ length: found.length }, (_, at) => escaped(found.charCodeAt(at))).join(''),
  )
}

function escaped(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`
}
