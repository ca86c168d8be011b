/** Names longer than this are cut in tables. */
export const NAME_WIDTH = 28
/** An IPv4 address fits; the host name of a Swarm's service is cut. */
export const ADDRESS_WIDTH = 20
const ID_LENGTH = 8

/** The beginning of an id, which commands take in place of the whole when no other instance's begins so. */
export function shortId(id: string): string {
  return id.slice(0, ID_LENGTH)
}

/** The text, or its beginning and a mark when it is wider than a column should be. `--json` has it whole. */
export function shorten(text: string | null | undefined, width: number): string | null {
  if (text === null || text === undefined) return null
  const letters = [...text]
  return letters.length <= width ? text : `${letters.slice(0, width - 1).join('')}…`
}
