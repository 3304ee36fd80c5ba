/** Doing something for many things, a few at a time, so that not all files are open at once. */

/** What `work` gives for each item, in their order. Rejects with the first rejection. */
export async function mapConcurrently<T, R> (items: readonly T[], limit: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const queue = items.entries()
  const workers = Array.from({ length: Math.min(limit, items.length) }, async () => {
    for (const [index, item] of queue) results[index] = await work(item)
  })
  await Promise.all(workers)
  return results
}
