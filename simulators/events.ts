/**
 * What happens among simulated devices: each occurrence moves its count and, where a person should
 * know, is told from the same place. The counts are the answer of `simulate`; no metric is kept.
 */
export interface FleetCounts {
  readonly connected: number;
  readonly storms: number;
  readonly replaced: number;
  readonly published: number;
  readonly acknowledged: number;
  readonly failed: number;
}

export interface FleetEvents {
  readonly counts: FleetCounts;
  connected(): void;
  stormed(): void;
  replaced(): void;
  published(): void;
  acknowledged(): void;
  /** A message was not taken. While the fleet ends that is no news. */
  failed(deviceId: string, error: unknown, isEnding: boolean): void;
}

export function openFleetEvents(tell: (deviceId: string, error: Error) => void): FleetEvents {
  const counts = { connected: 0, published: 0, acknowledged: 0, failed: 0, storms: 0, replaced: 0 };
  return {
    get counts() {
      return { ...counts };
    },
    connected: () => void (counts.connected += 1),
    stormed: () => void (counts.storms += 1),
    replaced: () => void (counts.replaced += 1),
    published: () => void (counts.published += 1),
    acknowledged: () => void (counts.acknowledged += 1),
    failed(deviceId, error, isEnding) {
      counts.failed += 1;
      if (!isEnding) tell(deviceId, error instanceof Error ? error : new Error(String(error)));
    },
  };
}
