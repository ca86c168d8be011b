/**
 * Runs `act` on every item, at most `limit` at once, and waits for all of them. Then fails with the first failure, if any: nothing
 * is left running behind the caller's back.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  limit: number,
  act: (item: T, index: number) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = []
  const failures: unknown[] = []
  const queue = items.entries()
  const work = async () => {
    for (const [index, item] of queue) {
      try {
        results[index] = await act(item, index)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work))
  if (failures.length > 0) throw failures[0]
  return results
}
