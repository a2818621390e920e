import type { Zones } from '../instant.ts';
import type { ObservedProperty } from '../model.ts';
import type { UnitConverter } from '../unit.ts';
import type { ParsedFile } from './parse.ts';
import type { RecordKind, Records } from './records.ts';

/** What a file is judged against. */
export interface CheckAgainst {
  /** The registry as it is. */
  readonly records: Records;
  readonly properties: ReadonlyMap<string, ObservedProperty>;
  readonly units: UnitConverter;
  readonly zones: Zones;
  /** Known codecs; undefined where the caller does not know them: then `codec` is not judged. */
  readonly codecs: ReadonlySet<string> | undefined;
  readonly tokenIds: ReadonlySet<string>;
  readonly entriesMax: number;
}

/** Everything the checks look at: the registry as it would be, and what the file says. */
export interface CheckedFile {
  readonly against: CheckAgainst;
  readonly parsed: ParsedFile;
  /** Registry and file together. */
  readonly merged: Records;
  /** True for an id that exists or that the file tries to define, even in a wrong entry. */
  isKnown(kind: RecordKind, id: string): boolean;
}
