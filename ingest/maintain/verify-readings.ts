import { CodedError } from '../../devices/coded-error.ts';
import { decodeReading } from '../reading-codec.ts';
import type { Finding, MaintainProgress } from './findings.ts';
import { walkLog, type LogPlace } from './log-place.ts';

/** Every reading is one: bytes that pass their checksum and are no reading are named. */
export async function verifyReadings(
  log: LogPlace,
  onFinding: (finding: Finding) => void,
  onProgress: MaintainProgress,
): Promise<void> {
  const end = log.durableEnd.get();
  await walkLog({
    log,
    damage: 'skip',
    onRecords(records) {
      for (const { position, body } of records) {
        try {
          decodeReading(position, body);
        } catch (error) {
          if (!(error instanceof CodedError)) throw error;
          onFinding({ part: 'readings', file: 'readings', first: position, what: error.message });
        }
      }
      onProgress('readings: records', records.at(-1)?.position ?? end, end);
    },
  });
}
