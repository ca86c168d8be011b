/** Trove's largest page, whatever is asked for. */
export const PAGE_ROWS_MAX = 20

/** How many rows to ask the store for. */
export function rowsPerPage(limit: number | undefined): number {
  return Math.min(limit ?? PAGE_ROWS_MAX, PAGE_ROWS_MAX)
}

/** Cuts the one row too many that the store gave to say that more exist. */
export function cutPage<T>(
  rows: readonly T[],
  rowsMax: number,
): { readonly rows: readonly T[]; readonly more: boolean } {
  return { rows: rows.slice(0, rowsMax), more: rows.length > rowsMax }
}
