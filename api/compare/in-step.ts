/** What each of two has under the same key; at least one of them has something. */
export type Pair<Item> = readonly [one: Item | undefined, other: Item | undefined];

/** Goes through two ascending sequences together. */
export async function* inStep<Item>(
  one: AsyncIterable<Item>,
  other: AsyncIterable<Item>,
  compare: (a: Item, b: Item) => number,
): AsyncGenerator<Pair<Item>> {
  const [left, right] = [one[Symbol.asyncIterator](), other[Symbol.asyncIterator]()];
  try {
    let [a, b] = await Promise.all([take(left), take(right)]);
    while (a !== undefined || b !== undefined) {
      const order = a === undefined ? 1 : b === undefined ? -1 : compare(a, b);
      yield [order <= 0 ? a : undefined, order >= 0 ? b : undefined];
      [a, b] = await Promise.all([order <= 0 ? take(left) : a, order >= 0 ? take(right) : b]);
    }
  } finally {
    await Promise.all([left.return?.(), right.return?.()]);
  }
}

async function take<Item>(from: AsyncIterator<Item>): Promise<Item | undefined> {
  const { done, value } = await from.next();
  return done === true ? undefined : value;
}
