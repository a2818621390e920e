import { CodedError, errorsOf, type ErrorTable } from '../devices/coded-error.ts';
import { normaliseErrors } from './normalise/errors.ts';

/**
 * What can go wrong in this room: codes under which a reading, or one channel of it, stands in
 * quarantine, then errors that stop ingest. Codecs have their own (`CODEC_`, devices/codecs), log
 * and store too (`LOG_`, `STORE_`).
 */
export const ingestErrors = {
  INGEST_OBSERVATIONS_MISSING: {
    message: 'Batches of observations are missing in Kafka.',
    meaning:
      'The topic observations has a hole behind what this node holds: it must be kept for ever and never be cut. The partition is held until then, the others go on. Restore it, or give the node an empty data folder to begin with the oldest kept batch.',
    canRetry: false,
  },
  INGEST_COPY_DIFFERS: {
    message: 'The copy of the observations holds batches that Kafka does not hold.',
    meaning:
      'Kafka lost the end of a partition, for example when all its servers lost power at once, and workers decide those readings again. A node that finds this when it starts begins its copy anew by itself; one that finds it later holds the partition, and what it shows of it is the old end: start it again. Where not even the first batches are those of Kafka the copy is kept: Kafka lost more, or is another one. Put its data back, or give the node an empty data folder.',
    canRetry: false,
  },
  INGEST_COPY_FOREIGN: {
    message: 'The local log of observations is no copy of this cluster.',
    meaning:
      'It was written on one machine, or for another number of partitions. Give the node a data folder of its own.',
    canRetry: false,
  },
  INGEST_READINGS_MISSING: {
    message: 'Readings that a node sent to this partition never came.',
    meaning:
      'Kafka lost or deleted them before they were read; node and numbers are in the detail. The node’s own log may still hold them.',
    canRetry: false,
  },
  INGEST_READINGS_GONE: {
    message: 'Records of readings were deleted before anybody decided them.',
    meaning:
      'The partition was not decided for longer than `cluster.kafka.readingsRetentionDays`, or its topic was emptied; topic, partition and offsets are in the detail. How many readings of a node they were, its next one tells (INGEST_READINGS_MISSING); those of a node that sends nothing there any more, and values that other partitions passed on, are named by this entry alone. Let the devices send that time again (`obs/backfill`), then dismiss the entry.',
    canRetry: false,
  },
  ...normaliseErrors,
  INGEST_CODEC_UNKNOWN: {
    message: 'The codec that the registry names for the device does not exist',
    meaning: 'Correct the codec of the device in the registry, then replay the reading.',
    canRetry: true,
  },
  INGEST_READING_FAILED: {
    message: 'The pipeline failed at this reading',
    meaning:
      'A defect of Quantrac, not of the reading; the others went on. Report it with the quarantined bytes, and replay the reading after an update.',
    canRetry: true,
  },
  INGEST_MEASUREMENT_FAILED: {
    message: 'The pipeline failed at this measurement',
    meaning:
      'A defect of Quantrac, not of the reading; its other channels went on. Report it with the quarantined bytes, and replay the reading after an update.',
    canRetry: true,
  },
  INGEST_CRASHED: {
    message: 'Ingest died at this reading three times',
    meaning:
      'The reading was set aside so that the others go on. Report it with the quarantined bytes, and replay it after an update.',
    canRetry: true,
  },
  INGEST_HISTORY_AWAY: {
    message: 'The reading is of a time before the horizon, and InfluxDB could not be asked',
    meaning:
      'It can only be decided beside the rows of its days, which this worker no longer holds. See that InfluxDB answers and its sink has caught up, then replay the reading.',
    canRetry: true,
  },
  INGEST_HISTORY_BEHIND: {
    message: 'InfluxDB does not hold all batches before the horizon yet',
    meaning:
      'It is being built again, or the notes of the sink were lost. It is tried again; the sink’s lag tells how far it is.',
    canRetry: true,
  },
  INGEST_READING_UNREADABLE: {
    message: 'Readings cannot be read from the log',
    meaning:
      'The disk damaged promised records; the positions are named. Restore the segment from a backup, run verify, and replay them.',
    canRetry: true,
  },
  INGEST_READING_ERASED: {
    message: 'The reading was lawfully erased before it was decided',
    meaning: 'Nothing is left of it but its place in the log. Dismiss the entry.',
    canRetry: false,
  },
  INGEST_RECORD_FOREIGN: {
    message: 'A record of a topic was not written by a node',
    meaning:
      'Another program writes into the topic of readings or of observations, or a newer version of this one; the detail says what the record lacks. Take that right from the other program. A reading is an entry of quarantine: dismiss it. Among observations the partition is held until a batch stands behind the record.',
    canRetry: false,
  },
  INGEST_DECISION_UNKNOWN: {
    message: 'A decision record is not understood',
    meaning:
      'It was made by a newer version, or by hand. Start that version and replay the record.',
    canRetry: true,
  },
  INGEST_BATCH_VERSION: {
    message: 'A batch of observations has a format that this version does not know',
    meaning: 'The folder was written by a newer version: start that one, or restore a backup.',
    canRetry: false,
  },
  INGEST_BATCH_UNREADABLE: {
    message: 'A batch of observations cannot be read',
    meaning: 'The record passed its checksum but is not a batch: report it, and restore a backup.',
    canRetry: false,
  },
  INGEST_BALANCE_BROKEN: {
    message: 'A reading or a measurement has no end, or two',
    meaning:
      'A defect of Quantrac: nothing was written of this stretch, and all its readings are kept. Report it with the fields.',
    canRetry: false,
  },
  INGEST_READINGS_SHORTENED: {
    message: 'The log of readings ends before what the observations were made of',
    meaning: 'Both logs must come from the same backup: restore them together.',
    canRetry: false,
  },
  INGEST_REGISTRY_VERSION: {
    message: 'The registry does not know a version that the readings were marked with',
    meaning: 'The registry must come from the same backup as the logs: restore them together.',
    canRetry: false,
  },
  INGEST_STORE_FAILED: {
    message: 'The view could not be read',
    meaning:
      'The cause says why, for example a disk error. Ingest stops and nothing is lost: restart, or remove view.db, which is then rebuilt from the observations.',
    canRetry: true,
  },
  INGEST_ROW_MISSING: {
    message: 'A row that was decided before is not in the view',
    meaning:
      'The view lacks what the observations hold: remove view.db, which is then rebuilt from them, and replay the quarantined reading.',
    canRetry: true,
  },
} as const satisfies ErrorTable;

export type IngestErrorCode = keyof typeof ingestErrors;

export const ingestError = errorsOf(ingestErrors);

/** Errors of the machine or of the installation: no reading's fault, and no reading is tried for it. */
const ofMachine: ReadonlySet<string> = new Set<IngestErrorCode>([
  'INGEST_STORE_FAILED',
  'INGEST_REGISTRY_VERSION',
]);

export function isOfMachine(error: unknown): boolean {
  if (!(error instanceof CodedError)) return false;
  return ofMachine.has(error.code) || error.code.startsWith('KAFKA_');
}
