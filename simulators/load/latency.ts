/** Latencies in buckets that grow by about 2 %: exact enough for percentiles, small for any number. */
export class Latencies {
  readonly #buckets = new Float64Array(1_024);
  #count = 0;
  #greatest = 0;

  add(ms: number): void {
    const place = Math.max(
      0,
      Math.min(1_023, Math.round(Math.log(Math.max(ms, 0.001) / 0.001) * 50)),
    );
    this.#buckets[place] = (this.#buckets[place] ?? 0) + 1;
    this.#count += 1;
    this.#greatest = Math.max(this.#greatest, ms);
  }

  /** What was added since the last call, apart; begins anew. */
  take(): Latencies {
    const taken = new Latencies();
    taken.#buckets.set(this.#buckets);
    taken.#count = this.#count;
    taken.#greatest = this.#greatest;
    this.#buckets.fill(0);
    this.#count = 0;
    this.#greatest = 0;
    return taken;
  }

  /** Forgets what a warm-up took. */
  clear(): void {
    this.#buckets.fill(0);
    this.#count = 0;
    this.#greatest = 0;
  }

  get count(): number {
    return this.#count;
  }

  get greatestMs(): number {
    return this.#greatest;
  }

  /** Milliseconds below which the share lies; NaN while nothing was added. */
  percentile(share: number): number {
    if (this.#count === 0) return Number.NaN;
    let left = share * this.#count;
    for (let place = 0; place < this.#buckets.length; place += 1) {
      left -= this.#buckets[place] ?? 0;
      if (left <= 0) return 0.001 * Math.exp(place / 50);
    }
    return this.#greatest;
  }
}
