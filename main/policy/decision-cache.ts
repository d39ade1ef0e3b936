/** Decisions by key, the least recently used forgotten first. */
export interface DecisionCache<T> {
  /** Makes it where it is not known. What throws is not kept. */
  get(key: string, make: () => T): T;
  readonly counts: { readonly hits: number; readonly misses: number };
}

export function createDecisionCache<T extends object>(maxEntries: number): DecisionCache<T> {
  // A Map keeps the order of insertion.
  const known = new Map<string, T>();
  const counts = { hits: 0, misses: 0 };
  return {
    counts,
    get(key, make) {
      const found = known.get(key);
      if (found !== undefined) {
        counts.hits += 1;
        known.delete(key);
        known.set(key, found);
        return found;
      }
      counts.misses += 1;
      const made = make();
      if (known.size >= maxEntries)
        for (const oldest of known.keys()) {
          known.delete(oldest);
          break;
        }
      known.set(key, made);
      return made;
    },
  };
}
