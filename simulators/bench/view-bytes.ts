import { openDatabase } from '../../devices/database.ts';

/** Bytes of blocks and second blocks for each observation that the view holds by now. */
export function viewBytes(path: string): Record<string, number> {
  const database = openDatabase(path, { readOnly: true });
  try {
    const sizes = database
      .prepare(
        'SELECT coalesce(sum(length(points)), 0) AS points, coalesce(sum(length(details)), 0) AS details FROM blocks',
      )
      .get();
    const state = database.prepare('SELECT totals FROM state').get();
    const totals = JSON.parse(String(state?.['totals'] ?? '{}')) as {
      readonly measurementsStored?: number;
    };
    const held = totals.measurementsStored ?? 0;
    const per = (bytes: unknown) => Number((Number(bytes) / Math.max(1, held)).toPrecision(3));
    return {
      observations: held,
      blockBytesPerObservation: per(sizes?.['points']),
      secondBlockBytesPerObservation: per(sizes?.['details']),
    };
  } finally {
    database.close();
  }
}
