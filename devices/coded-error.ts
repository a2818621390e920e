/**
 * One entry of a room's closed table of errors (`errors.ts`). Callers test `code`, never the text;
 * a code is never reused for another meaning. `docs/errors.md` is tested against the tables.
 */
export interface ErrorEntry {
  /** A constant sentence; values go to `fields`. */
  readonly message: string;
  /** What it means to the person who meets it, and what to do. */
  readonly meaning: string;
  /** Whether doing the same again later can succeed. */
  readonly canRetry: boolean;
}

export type ErrorTable = Readonly<Record<string, ErrorEntry>>;

export class CodedError extends Error {
  readonly code: string;
  readonly canRetry: boolean;
  /** Values of this occurrence: the key, the position, the accepted values. */
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    entry: ErrorEntry,
    options: { readonly fields?: Readonly<Record<string, unknown>>; readonly cause?: unknown } = {},
  ) {
    super(entry.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CodedError';
    this.code = code;
    this.canRetry = entry.canRetry;
    this.fields = options.fields ?? {};
  }
}

/** Makes the room's error factory: `const ingestError = errorsOf(ingestErrors)`. */
export function errorsOf<Table extends ErrorTable>(table: Table) {
  return (
    code: keyof Table & string,
    fields: Readonly<Record<string, unknown>> = {},
    cause?: unknown,
  ): CodedError => {
    const entry = table[code];
    if (entry === undefined) throw new Error(`${code} is not in the table of errors`);
    return new CodedError(code, entry, { fields, cause });
  };
}
