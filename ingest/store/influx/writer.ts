/**
 * Stores lines in InfluxDB, all of them, however it answers. A request is repeated until it is
 * answered with 204: points never change, so what an unanswered request stored is stored as it was.
 *
 *   204                   stored
 *   201, 400, 413, 422    some lines are refused, or it is too long: halves are sent by themselves,
 *                         until what is refused stands alone
 *   401, 403, 404         an operator must act: said loudly, tried again
 *   429, 5xx, none, else  tried again, after Retry-After where it is given
 *
 * A line that is refused twice is set aside with its reason, the others are stored, and whoever wrote
 * them is told which it is. Where more than `refusedLinesMax` of a request are refused it is not the
 * lines: nothing is set aside then, and all are tried again.
 */
import { influxError } from './errors.ts';
import { createPauses } from './pauses.ts';
import { createSending, type Sending, type SendingOptions } from './sending.ts';
import type { InfluxConfig } from './config.ts';

export interface RefusedLine {
  readonly line: string;
  /** Its number among the lines that were given, from 0. */
  readonly place: number;
  /** What InfluxDB says about it. */
  readonly reason: string;
}

export type WriterOptions = Omit<SendingOptions, 'pauses'>;

export interface Writer {
  /**
   * Resolves with the lines set aside once all others are stored. Waits as long as it takes: rejects
   * INFLUX_CLOSED alone. Lines without line breaks, in any number.
   */
  write(lines: readonly string[]): Promise<readonly RefusedLine[]>;
  /** Ends the writing: what is under way rejects INFLUX_CLOSED. */
  close(): void;
}

const lineShownMax = 2_000;

export function openWriter(options: WriterOptions): Writer {
  const { config, events } = options;
  const pauses = createPauses(options.clock);
  const sending = createSending({ ...options, pauses });

  function setAside(refused: readonly RefusedLine[]): readonly RefusedLine[] {
    for (const { line, reason } of refused) {
      events.lineSetAside({ line: line.slice(0, lineShownMax), reason });
    }
    return refused;
  }

  async function writeRequest(request: Stretch): Promise<readonly RefusedLine[]> {
    for (let failures = 1; ; failures++) {
      const refused = await storeLines(sending, request, config.refusedLinesMax);
      if (refused.length <= config.refusedLinesMax) return setAside(refused);
      const waitMs = sending.waitMs(failures);
      const { reason, line } = refused[0]!;
      const fields = { reason, line: line.slice(0, lineShownMax) };
      events.writeRefused(influxError('INFLUX_LINES_REFUSED', fields), waitMs);
      await pauses.pause(waitMs);
    }
  }

  return {
    async write(lines) {
      const refused: RefusedLine[] = [];
      for (const request of requestsOf(lines, config)) {
        for (const one of await writeRequest(request)) refused.push(one);
      }
      return refused;
    },
    close: () => pauses.end(),
  };
}

/** Lines that follow one another; `from` is the place of the first. */
interface Stretch {
  readonly from: number;
  readonly lines: readonly string[];
}

/** Gives what is refused; stops where that is more than `refusedMax`. */
async function storeLines(
  sending: Sending,
  all: Stretch,
  refusedMax: number,
): Promise<RefusedLine[]> {
  const refused: RefusedLine[] = [];
  const waiting: Stretch[] = [all];
  while (refused.length <= refusedMax) {
    const stretch = waiting.pop();
    if (stretch === undefined) break;
    const { from, lines } = stretch;
    const reason = await sending.send(lines);
    if (reason === null) continue;
    if (lines.length === 1) {
      // Once may be a mishap on the way; a line that is wrong is refused again.
      const again = await sending.send(lines);
      if (again !== null) refused.push({ line: lines[0]!, place: from, reason: again });
      continue;
    }
    const middle = lines.length >>> 1;
    waiting.push(
      { from: from + middle, lines: lines.slice(middle) },
      { from, lines: lines.slice(0, middle) },
    );
  }
  return refused;
}

/** Stretches of the lines within both bounds; characters stand for bytes, which they nearly are. */
function* requestsOf(
  lines: readonly string[],
  { linesMax, bytesMax }: Pick<InfluxConfig, 'linesMax' | 'bytesMax'>,
): Generator<Stretch> {
  let from = 0;
  let bytes = 0;
  for (const [at, line] of lines.entries()) {
    const size = line.length + 1;
    if (at > from && (at - from >= linesMax || bytes + size > bytesMax)) {
      yield { from, lines: lines.slice(from, at) };
      from = at;
      bytes = 0;
    }
    bytes += size;
  }
  if (from < lines.length) yield { from, lines: lines.slice(from) };
}
