import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Decoded } from './codec.ts';
import { codecConfigSchema } from './config.ts';
import { createJsonCodec } from './json.ts';

/** The scanner against JSON.parse: the same documents, the same channels, values equal to the bit. */
const codec = createJsonCodec();
const limits = codecConfigSchema.parse({});

function decode(text: string): Decoded {
  return codec.decode({ topic: '', payload: Buffer.from(text, 'utf8') }, limits);
}

const reserved = new Set(
  'ts t from resultTime seq latitude longitude heightMetres values'.split(' '),
);

const space = fc.stringMatching(/^[ \t\r\n]{0,2}$/);

const numberText = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.integer().map(String),
  fc
    .tuple(fc.constantFrom('', '-'), fc.nat(99_999), fc.stringMatching(/^\d{1,6}$/))
    .map(([sign, whole, fraction]) => `${sign}${whole}.${fraction}`),
  fc.stringMatching(/^-?(0|[1-9]\d{0,20})(\.\d{1,20})?([eE][+-]?\d{1,3})?$/),
  fc.constantFrom('0', '-0', '0.0', '-0.0', '1e400', '-1E+400', '0e5', '123456789012345'),
);

const scalar = fc.oneof({ weight: 6, arbitrary: numberText }, fc.constant('null'));

/** A key as JSON writes it: plainly, or with every character escaped. */
const keyText = fc
  .tuple(fc.string({ unit: 'binary', maxLength: 12 }), fc.boolean())
  .map(([key, isEscaped]) => {
    if (!isEscaped) return JSON.stringify(key);
    const hex = (at: number) => key.charCodeAt(at).toString(16).padStart(4, '0');
    return `"${Array.from({ length: key.length }, (_, at) => `\\u${hex(at)}`).join('')}"`;
  });

const anyJson = fc.jsonValue({ maxDepth: 2, noUnicodeString: false }).map((v) => JSON.stringify(v));

const value = fc.oneof(
  { weight: 5, arbitrary: scalar },
  fc
    .tuple(scalar, space, fc.option(anyJson), fc.boolean())
    .map(([text, gap, extra, isLast]) =>
      extra === null
        ? `{${gap}"value"${gap}:${text}}`
        : isLast
          ? `{"other":${extra},"value":${gap}${text}}`
          : `{"value":${text},"unit":"m" , "quality":${gap}1,"x":${extra}}`,
    ),
);

const wordOf = (key: string) => JSON.parse(key) as string;

const member = fc.record({ key: keyText, value });
const members = fc
  .uniqueArray(member, { selector: ({ key }) => wordOf(key), minLength: 1, maxLength: 12 })
  .map((list) => list.filter(({ key }) => !reserved.has(wordOf(key))))
  .filter((list) => list.length > 0);

/** What a channel's own text was, wherever it stood. */
function numberIn(text: string): string {
  return /"value"\s*:\s*([^,}\s]+)/.exec(text)?.[1] ?? text;
}

interface Expected {
  readonly channel: string;
  readonly value: number | null;
  readonly text: string | null;
}

function expectedOf(list: readonly { key: string; value: string }[]): Expected[] {
  return list.map(({ key, value: text }) => {
    const parsed = JSON.parse(text) as number | null | { value: number | null };
    const number = typeof parsed === 'object' && parsed !== null ? parsed.value : parsed;
    const isNumber = number !== null && Number.isFinite(number);
    const sent = numberIn(text);
    return {
      channel: wordOf(key),
      value: isNumber ? number : null,
      text: sent === 'null' ? null : sent,
    };
  });
}

function assertSame(decoded: Decoded, expected: readonly Expected[]): void {
  expect(decoded.faults).toEqual([]);
  expect(decoded.measurements.map(({ channel }) => channel)).toEqual(
    expected.map(({ channel }) => channel),
  );
  for (const [index, measurement] of decoded.measurements.entries()) {
    const { value: wanted, text } = expected[index]!;
    expect(Object.is(measurement.value, wanted)).toBe(true);
    const own =
      measurement.decimals < 0
        ? measurement.text
        : (measurement.value as number).toFixed(measurement.decimals);
    expect(own).toBe(text);
  }
}

function objectText(list: readonly { key: string; value: string }[], gap: string): string {
  const inside = list.map(({ key, value: text }) => `${gap}${key}${gap}:${gap}${text}${gap}`);
  return `{${inside.join(',')}}`;
}

describe('the own JSON', () => {
  test('gives the channels and values of JSON.parse for a flat object', () => {
    fc.assert(
      fc.property(members, space, fc.nat(12), (list, gap, place) => {
        const at = place % (list.length + 1);
        const whole = [
          ...list.slice(0, at),
          { key: '"ts"', value: '1700000000000' },
          ...list.slice(at),
        ];
        const decoded = decode(gap + objectText(whole, gap) + gap);
        assertSame(decoded, expectedOf(list));
        for (const measurement of decoded.measurements) {
          expect(measurement.endAt).toBe(1_700_000_000_000);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  test('gives those of `values` alone where it is an object', () => {
    fc.assert(
      fc.property(members, members, space, fc.boolean(), (list, beside, gap, isFirst) => {
        const inner = { key: '"values"', value: objectText(list, gap) };
        const whole = isFirst ? [inner, ...beside] : [...beside, inner];
        assertSame(decode(objectText(whole, gap)), expectedOf(list));
      }),
      { numRuns: 1_500 },
    );
  });

  test('gives those of each object of an array, each with its own time', () => {
    fc.assert(
      fc.property(fc.array(members, { minLength: 1, maxLength: 8 }), space, (lists, gap) => {
        const objects = lists.map((list, index) =>
          objectText([{ key: '"t"', value: String(1_000 + index) }, ...list], gap),
        );
        const decoded = decode(`[${objects.join(`${gap},`)}]`);
        assertSame(decoded, lists.flatMap(expectedOf));
        expect(decoded.measurements.map(({ endAt }) => endAt)).toEqual(
          lists.flatMap((list, index) => list.map(() => 1_000 + index)),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  test('refuses what JSON.parse refuses, but for a bare NaN or infinity', () => {
    const broken = fc
      .tuple(members, space, fc.nat(400), fc.constantFrom(...'{}[]",:\\0-+.eEtfn \u0001'.split('')))
      .map(([list, gap, place, char]) => {
        const text = objectText(list, gap);
        const at = place % text.length;
        return text.slice(0, at) + char + text.slice(at + (place % 2));
      })
      .filter((text) => !/nan|inf/i.test(text));
    fc.assert(
      fc.property(broken, (text) => {
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        const isRefused = decode(text).faults.some(({ code }) => code === 'CODEC_SYNTAX');
        expect(isRefused).toBe(!isJson);
      }),
      { numRuns: 5_000 },
    );
  });
});
