import type { ErrorTable } from '../../devices/coded-error.ts';

/** Why a measurement that was read stands in quarantine instead of becoming an observation. */
export const normaliseErrors = {
  INGEST_DEVICE_UNKNOWN: {
    message: 'The device is not in the registry',
    meaning: 'Add the device and its deployments to the registry, then replay the reading.',
    canRetry: true,
  },
  INGEST_UNMAPPED_CHANNEL: {
    message: 'No deployment of the device names this channel',
    meaning: 'Deploy the channel to a datastream, then replay the reading, or dismiss it.',
    canRetry: true,
  },
  INGEST_NO_DEPLOYMENT: {
    message: 'The channel was not deployed at the time of the measurement',
    meaning: 'Extend the deployment to that time and replay the reading, or dismiss it.',
    canRetry: true,
  },
  INGEST_UNIT_UNKNOWN: {
    message: 'The unit of the measurement is not known',
    meaning: 'Correct the unit in the device, or add its spelling, and replay the reading.',
    canRetry: true,
  },
  INGEST_UNIT_MISMATCH: {
    message: 'The unit of the measurement does not convert to that of the property',
    meaning:
      'The channel measures something else, or the unit lacks its chemical basis: correct the deployment or the device, and replay the reading.',
    canRetry: true,
  },
  INGEST_RESULT_NOT_FINITE: {
    message: 'The measurement is too large a number after its conversion',
    meaning:
      'Correct the factor or the unit of the deployment and replay the reading, or dismiss it.',
    canRetry: true,
  },
} as const satisfies ErrorTable;

export type NormaliseErrorCode = keyof typeof normaliseErrors;
