/**
 * What is confirmed, and what of it is noted on disk. Notes are written one after another; one that
 * fails is told and the next one holds what it would have said.
 */
import type { Position } from '../../log/log.ts';
import type { ForwardEvents } from './events.ts';
import type { ForwardState, StateFile } from './state-file.ts';

export interface Notes {
  /** Confirmed by Kafka, and the registry version that routes what comes next. */
  readonly state: ForwardState;
  /** Noted durably. */
  readonly noted: Position;
  confirm(position: Position, sequences: readonly number[]): void;
  /** Notes what is confirmed, where that is news. Never rejects. */
  write(): Promise<void>;
  /** True once the version is noted for all behind the confirmed position: then it may route. */
  adopt(registryVersion: number): Promise<boolean>;
  close(): Promise<void>;
}

interface NotesOptions {
  readonly events: Pick<ForwardEvents, 'noteFailed'>;
  readonly noted: (position: Position) => void;
}

export function createNotes(file: StateFile, { events, noted }: NotesOptions): Notes {
  let state: ForwardState = file.found;
  let written: ForwardState = file.found;
  let last: Promise<unknown> = Promise.resolve();

  /** The version changes together with the note, so that no note behind it names the old one. */
  async function writeState(registryVersion: number): Promise<boolean> {
    const next = { ...state, registryVersion };
    const isNews =
      next.position !== written.position || registryVersion !== written.registryVersion;
    if (!isNews) return true;
    try {
      await file.note(next);
    } catch (error) {
      events.noteFailed(error);
      return false;
    }
    written = next;
    if (registryVersion !== state.registryVersion) state = { ...state, registryVersion };
    noted(next.position);
    return true;
  }

  function inTurn<Result>(run: () => Promise<Result>): Promise<Result> {
    const turn = last.then(run);
    last = turn;
    return turn;
  }

  return {
    get state() {
      return state;
    },
    get noted() {
      return written.position;
    },
    confirm(position, sequences) {
      state = { position, registryVersion: state.registryVersion, sequences: [...sequences] };
    },
    write: () => inTurn(() => writeState(state.registryVersion)).then(() => undefined),
    adopt: (registryVersion) => inTurn(() => writeState(registryVersion)),
    close: () => inTurn(() => file.close()),
  };
}
