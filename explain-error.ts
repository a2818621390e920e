/** An error as a person meets it on standard error: what happened, its values, what to do. */
import { apiErrors } from './api/errors.ts';
import { brokerErrors } from './broker/errors.ts';
import { CodedError, type ErrorTable } from './devices/coded-error.ts';
import { devicesErrors } from './devices/errors.ts';
import { startErrors } from './errors.ts';
import { ingestErrors } from './ingest/errors.ts';
import { logErrors } from './ingest/log/errors.ts';
import { maintainErrors } from './ingest/maintain/errors.ts';
import { storeErrors } from './ingest/store/errors.ts';
import { mirrorErrors } from './mirror/errors.ts';
import { simulatorsErrors } from './simulators/errors.ts';

/** Every table whose errors can end a start or a command; an error that crossed a thread has only its code. */
const tables: readonly ErrorTable[] = [
  startErrors,
  brokerErrors,
  apiErrors,
  devicesErrors,
  ingestErrors,
  logErrors,
  maintainErrors,
  storeErrors,
  mirrorErrors,
  simulatorsErrors,
];

/** One line that says what to do, with the values of this occurrence; a fault of ours in full. */
export function explainError(error: unknown): string {
  if (!(error instanceof CodedError)) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const meaning = tables.find((table) => error.code in table)?.[error.code]?.meaning;
  const fields = Object.entries(error.fields).map(
    ([key, value]) => `${key}: ${value === undefined ? 'none' : JSON.stringify(value)}`,
  );
  const values = fields.length === 0 ? '' : ` (${fields.join(', ')})`;
  const happened = `${error.message.replace(/\.$/, '')}${values}.`;
  return `quantrac: ${happened}${meaning === undefined ? '' : ` ${meaning}`} [${error.code}]`;
}
