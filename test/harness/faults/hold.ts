/** A fault lasts for a time of its own, and strikes at one. Nothing is awaited by this: what follows from a fault is looked for. */
export function hold(forMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, forMs))
}
