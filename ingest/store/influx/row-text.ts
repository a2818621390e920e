/**
 * A row of observations as one line of text, and back to the letter. Parts stand in this order, `|`
 * between them, an empty part for what is not there; what the rows of a series share comes first, so
 * that InfluxDB's compression finds it:
 *
 *    0 version     1 bits (columns/rows.ts)   2 revision    3 flag      4 tests    5 qualifiers
 *    6 reason      7 rules     8 interval ms  9 height mm  10 device   11 raw name
 *   12 raw unit*  13 payload hash            14 latitude   15 longitude
 *   16 own result time − end                 17 rank's time, where it is not the receive time
 *   18 rank's node, where not 0              19 raw time: its form (columns/sent-time.ts) or the text*
 *   20 partition  21 raw value: `=n` the result with n decimals, or the text*
 *   22 result     23 batch    24 position of the reading
 *   25 receive time − end    26 publish time − receive time
 *
 * A text* that may be null has `'` before it. In texts `%`, `|`, `"`, `\` and control characters are
 * `%` and two hexadecimal digits, so the whole needs no escaping in line protocol.
 */
import {
  changeCauses,
  changeTypes,
  type ObservationKey,
  type ObservationRow,
  type Raw,
  type Verdict,
} from '../../observation.ts';
import { DecimalRaw } from '../../observations/decimal-raw.ts';
import type { Position } from '../../log/log.ts';
import type { Flag, Reason } from '../../quality.ts';
import { bitCurrent, bitKlass, bitsOf, causeShift, typeShift } from '../columns/rows.ts';
import { timeFormOf, timeForms, timeTextOf } from '../columns/sent-time.ts';
import { influxError } from './errors.ts';

/** Where a row stands in `observations`. */
export interface RowOrigin {
  readonly partition: number;
  /** Position of its batch in the partition. */
  readonly batch: Position;
}

export interface ToldRow extends RowOrigin {
  readonly row: ObservationRow;
}

const version = '1';
const partCount = 27;
const special = /[%|"\\\p{Cc}]/u;
const specials = /[%|"\\\p{Cc}]/gu;
const escapes = /%([0-9a-f]{2})/g;

function escapeText(text: string): string {
  if (!special.test(text)) return text;
  return text.replace(
    specials,
    (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

function unescapeText(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(escapes, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));
}

function nullable(text: string | null): string {
  return text === null ? '' : `'${escapeText(text)}`;
}

function textOrNull(part: string): string | null {
  return part === '' ? null : unescapeText(part.slice(1));
}

/** Numbers print as JavaScript does, which reads back to the same bits; −0 by hand. */
function number(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  return Number.isNaN(value) ? '' : `${value}`;
}

function unless(value: number, usual: number): string {
  return value === usual ? '' : number(value);
}

export function textOfRow(row: ObservationRow, { partition, batch }: RowOrigin): string {
  const { verdict, raw, rank, endAt, receivedAt } = row;
  const { flag, tests, qualifiers, reason, rules } = verdict;
  const judged = `${version}|${bitsOf(row)}|${row.revision}|${flag}|${escapeText(tests)}|${qualifiers}|${reason ?? ''}|${escapeText(rules)}`;
  const sender = `${number(endAt - row.startAt)}|${number(row.heightMm)}|${escapeText(row.device)}|${escapeText(raw.name)}|${nullable(raw.unit)}`;
  const place = `${unless(row.payloadHash, -1)}|${number(row.latitude)}|${number(row.longitude)}`;
  const ranked = `${number(row.resultAt - endAt)}|${unless(rank.at, receivedAt)}|${unless(rank.node, 0)}`;
  const value = `${timePart(raw.time, endAt)}|${partition}|${valuePart(row)}`;
  const arrival = `${batch}|${rank.position}|${number(receivedAt - endAt)}|${number(row.publishedAt - receivedAt)}`;
  return `${judged}|${sender}|${place}|${ranked}|${value}|${arrival}`;
}

function timePart(text: string | null, endAt: number): string {
  const form = timeFormOf(text, endAt);
  return form === timeForms.literal ? nullable(text) : `${form}`;
}

/** Raw value and result: mostly the same number. */
function valuePart({ raw, result }: ObservationRow): string {
  const { sentNumber, sentDecimals = -1 } = raw;
  const resultText = result === null ? '' : number(result);
  if (sentDecimals >= 0 && Object.is(sentNumber, result)) return `=${sentDecimals}|${resultText}`;
  return `${nullable(raw.value)}|${resultText}`;
}

function numberOf(part: string | undefined): number {
  return part === undefined || part === '' ? Number.NaN : Number(part);
}

function numberOr(part: string | undefined, usual: number): number {
  return part === undefined || part === '' ? usual : Number(part);
}

export interface RowReader {
  /** The row of a series that ends at `endAt`; INFLUX_ROW for what is none. */
  read(text: string, of: Pick<ObservationKey, 'series' | 'endAt'>): ToldRow;
}

const verdictsMax = 10_000;

/** Rows share their verdicts, of which a network has few. */
export function createRowReader(): RowReader {
  const verdicts = new Map<string, Verdict>();

  function verdictOf(parts: readonly string[]): Verdict {
    const name = `${parts[3]}|${parts[4]}|${parts[5]}|${parts[6]}|${parts[7]}`;
    const known = verdicts.get(name);
    if (known !== undefined) return known;
    if (verdicts.size >= verdictsMax) verdicts.clear();
    const verdict: Verdict = {
      flag: Number(parts[3]) as Flag,
      tests: unescapeText(parts[4]!),
      qualifiers: Number(parts[5]),
      reason: parts[6] === '' ? null : (parts[6] as Reason),
      rules: unescapeText(parts[7]!),
    };
    verdicts.set(name, verdict);
    return verdict;
  }

  return {
    read(text, { series, endAt }) {
      const parts = text.split('|');
      if (parts.length !== partCount || parts[0] !== version || Number.isNaN(endAt)) {
        throw influxError('INFLUX_ROW', { series, endAt, text: text.slice(0, 200) });
      }
      const bits = Number(parts[1]);
      const receivedAt = endAt + Number(parts[25]);
      const row: ObservationRow = {
        series,
        endAt,
        startAt: endAt - Number(parts[8]),
        heightMm: numberOf(parts[9]),
        revision: Number(parts[2]),
        current: (bits & bitCurrent) !== 0,
        type: changeTypes[(bits >> typeShift) & 3]!,
        cause: changeCauses[(bits >> causeShift) & 7]!,
        result: parts[22] === '' ? null : Number(parts[22]),
        verdict: verdictOf(parts),
        resultAt: numberOf(parts[16]) + endAt,
        receivedAt,
        publishedAt: receivedAt + Number(parts[26]),
        rank: {
          klass: (bits & bitKlass) === 0 ? 0 : 1,
          at: numberOr(parts[17], receivedAt),
          node: numberOr(parts[18], 0),
          position: Number(parts[24]),
        },
        device: unescapeText(parts[10]!),
        raw: rawOf(parts, endAt),
        payloadHash: numberOr(parts[13], -1),
        latitude: numberOf(parts[14]),
        longitude: numberOf(parts[15]),
      };
      return { row, partition: Number(parts[20]), batch: Number(parts[23]) };
    },
  };
}

function rawOf(parts: readonly string[], endAt: number): Raw {
  const name = unescapeText(parts[11]!);
  const unit = textOrNull(parts[12]!);
  const timePart = parts[19]!;
  const time = timePart.startsWith("'")
    ? textOrNull(timePart)
    : timeTextOf(Number(timePart), endAt);
  const value = parts[21]!;
  if (!value.startsWith('=')) return { name, value: textOrNull(value), unit, time };
  return new DecimalRaw({ name, unit, time }, Number(parts[22]), Number(value.slice(1)));
}
