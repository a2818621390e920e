import { openDatabase } from '../../devices/database.ts';
import type { Position } from '../log/log.ts';
import { createHorizonReader } from './horizon.ts';
import { checkFormat, openReadOnly } from './schema.ts';
import { openView, type ViewState } from './view.ts';

/** What a view says of itself. */
export interface ViewReport extends ViewState {
  /** Every row that ends then or later is held; −Infinity where every row is. */
  readonly knownFromAt: number;
}

/** Beside its writer. Throws STORE_NO_VIEW, STORE_NOT_A_VIEW, … */
export function readViewState(path: string): ViewReport {
  const database = openReadOnly(path);
  try {
    checkFormat(database, path);
    const { knownFromAt } = createHorizonReader(database)();
    return { ...openView(database).state(), knownFromAt };
  } finally {
    database.close();
  }
}

/**
 * Makes a copied view that of a log with another store id, whose records up to the view's position
 * are the same. Nobody else may have it open. Answers its position.
 */
export function adoptView(path: string, storeId: string): Position {
  const database = openDatabase(path);
  try {
    checkFormat(database, path);
    database.prepare('UPDATE state SET store_id = ?').run(storeId);
    return openView(database).state().position;
  } finally {
    database.close();
  }
}
