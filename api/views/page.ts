/** Trove's largest page, whatever is asked for. */
export const PAGE_SIZE_MAX = 20

/** How many rows to ask the store for. */
export function pageSize(limit: number | undefined): number {
  return Math.min(limit ?? PAGE_SIZE_MAX, PAGE_SIZE_MAX)
}

/** Cuts the one row too many that the store gave to say that more exist. */
export function cutPage<T>(
  rows: readonly T[],
  size: number,
): { readonly rows: readonly T[]; readonly more: boolean } {
  return { rows: rows.slice(0, size), more: rows.length > size }
}
