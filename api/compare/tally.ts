/** What a comparison counts, and the first of what differs by name. */
export const parts = ['values', 'revisions', 'PT1H', 'P1D', 'latest'] as const;
export type Part = (typeof parts)[number];

export interface Difference {
  readonly part: Part;
  /** Id of the datastream or of the observation, and for windows their end. */
  readonly key: string;
  /** What each of both says; null where it has nothing of the key. */
  readonly one: string | null;
  readonly other: string | null;
}

export interface PartCount {
  readonly compared: number;
  readonly different: number;
  /** Left out since values without a time of their own are in it. */
  readonly leftOut: number;
}

export interface Tally {
  compare(part: Part, key: string, one: string | null, other: string | null): void;
  leaveOut(part: Part): void;
  readonly counts: Readonly<Record<Part, PartCount>>;
  /** Of each part the first ones. */
  readonly differences: readonly Difference[];
}

export function createTally(differencesMax: number): Tally {
  const counts = Object.fromEntries(
    parts.map((part) => [part, { compared: 0, different: 0, leftOut: 0 }]),
  ) as Record<Part, { -readonly [Name in keyof PartCount]: number }>;
  const differences: Difference[] = [];
  return {
    compare(part, key, one, other) {
      const count = counts[part];
      count.compared++;
      if (one === other) return;
      count.different++;
      if (count.different <= differencesMax) differences.push({ part, key, one, other });
    },
    leaveOut: (part) => void counts[part].leftOut++,
    counts,
    differences,
  };
}
