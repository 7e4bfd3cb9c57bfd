/** The same items in a random order. */
export const shuffled = <T>(items: readonly T[]): T[] =>
  items.map((item) => ({ item, at: Math.random() })).toSorted((a, b) => a.at - b.at).map(({ item }) => item);
