import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { DurableEnd, LogReader, LogRecord, LogWriter, Position } from './log.ts';

/** One log under test: a fresh one for each test. */
export interface LogFixture {
  readonly openWriter: () => Promise<LogWriter>;
  readonly openReader: (from?: Position) => Promise<LogReader>;
  /** The end as readers see it. */
  readonly durableEnd: () => DurableEnd;
  readonly recordBytesMax: number;
  /** A size that is refused; one more than the greatest where that is known to the byte. */
  readonly recordBytesTooMany?: number;
  /** Where the log has names of its own for what it refuses. */
  readonly refusals?: { readonly tooLarge: string; readonly closed: string };
  readonly remove: () => Promise<void>;
}

export function appendText(writer: LogWriter, text: string): Promise<Position> {
  const bytes = Buffer.from(text);
  return new Promise((resolve, reject) => {
    writer.append(
      bytes.length,
      (target, at) => void bytes.copy(target, at),
      (error, position) => (error === null ? resolve(position) : reject(error)),
    );
  });
}

/** Texts of all that can be read from `reader.next` on. */
export async function readTexts(reader: LogReader, bytesMax = 1_000): Promise<string[]> {
  const texts: string[] = [];
  for (;;) {
    const records = await reader.read(bytesMax);
    if (records.length === 0) return texts;
    for (const record of records) texts.push(record.body.toString());
  }
}

function refusalsOf({ refusals }: LogFixture): { tooLarge: string; closed: string } {
  return refusals ?? { tooLarge: 'LOG_RECORD_TOO_LARGE', closed: 'LOG_CLOSED' };
}

function numbered(count: number, from = 1): string[] {
  return Array.from({ length: count }, (_, index) => `record ${from + index}`);
}

/** What every implementation of the port `LogWriter` and `LogReader` promises. */
export function describeLogContract(name: string, open: () => Promise<LogFixture>): void {
  describe(`${name} keeps the contract of a log:`, () => {
    let fixture: LogFixture;
    let writer: LogWriter;
    beforeEach(async () => {
      fixture = await open();
      writer = await fixture.openWriter();
    });
    afterEach(async () => {
      await writer.close();
      await fixture.remove();
    });

    it('an empty log ends at 0 and reads as nothing', async () => {
      const reader = await fixture.openReader();
      expect(writer.durableEnd.get()).toBe(0);
      expect(reader.next).toBe(1);
      expect(await reader.read(1_000)).toEqual([]);
      await reader.close();
    });

    it('positions begin at 1, have no holes, and are answered in the order of the calls', async () => {
      const positions: Position[] = [];
      await Promise.all(
        numbered(300).map(async (text) => {
          positions.push(await appendText(writer, text));
        }),
      );
      expect(positions).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
    });

    it('the durable end covers a record when it is acknowledged', async () => {
      for (let count = 1; count <= 5; count++) {
        const position = await appendText(writer, 'x');
        expect(writer.durableEnd.get()).toBeGreaterThanOrEqual(position);
        expect(fixture.durableEnd().get()).toBeGreaterThanOrEqual(position);
      }
    });

    it('the body is filled before append returns, at the offset that it is given', async () => {
      let filled = '';
      const done = new Promise<void>((resolve) => {
        writer.append(
          3,
          (target, at) => {
            target.write('abc', at);
            filled = target.toString('latin1', at, at + 3);
          },
          () => resolve(),
        );
      });
      expect(filled).toBe('abc');
      await done;
    });

    it('a fill that throws leaves no record behind', async () => {
      const before = appendText(writer, 'before');
      expect(() =>
        writer.append(
          5,
          () => {
            throw new Error('no body');
          },
          () => undefined,
        ),
      ).toThrow('no body');
      const after = appendText(writer, 'after');
      expect(await before).toBe(1);
      expect(await after).toBe(2);
      const reader = await fixture.openReader();
      expect(await readTexts(reader)).toEqual(['before', 'after']);
      await reader.close();
    });

    it('a reader gets every record once, whatever the size of its reads', async () => {
      const texts = numbered(200);
      await Promise.all(texts.map((text) => appendText(writer, text)));
      for (const bytesMax of [1, 10, 64, 1_000, 1_000_000]) {
        const reader = await fixture.openReader();
        expect(await readTexts(reader, bytesMax)).toEqual(texts);
        expect(reader.next).toBe(201);
        await reader.close();
      }
    });

    it('a read gives about as many bytes as it was asked for, and at least one record', async () => {
      await Promise.all(numbered(50).map((text) => appendText(writer, text)));
      await appendText(writer, 'y'.repeat(5_000));
      const reader = await fixture.openReader();
      expect(await reader.read(1)).toHaveLength(1);
      const some = await reader.read(100);
      expect(some.length).toBeGreaterThan(5);
      expect(some.length).toBeLessThan(20);
      reader.seek(51);
      const large = await reader.read(10);
      expect(large.map((record) => record.body.length)).toEqual([5_000]);
      await reader.close();
    });

    it('a reader follows what is appended while it waits', async () => {
      const reader = await fixture.openReader();
      const seen: string[] = [];
      const following = (async () => {
        while (seen.length < 60) {
          await fixture.durableEnd().waitBeyond(reader.next - 1);
          for (const record of await reader.read(100)) seen.push(record.body.toString());
        }
      })();
      for (let round = 0; round < 20; round++) {
        await Promise.all(numbered(3, round * 3 + 1).map((text) => appendText(writer, text)));
      }
      await following;
      expect(seen).toEqual(numbered(60));
      await reader.close();
    });

    it('waiting for an end that is already reached, or with an aborted signal, is no waiting', async () => {
      await appendText(writer, 'x');
      await fixture.durableEnd().waitBeyond(0);
      await fixture.durableEnd().waitBeyond(1, AbortSignal.abort());
      const abort = new AbortController();
      const waiting = fixture.durableEnd().waitBeyond(1, abort.signal);
      abort.abort();
      await waiting;
      expect(fixture.durableEnd().get()).toBe(1);
    });

    it('seek goes anywhere, and a record before the durable end is found again', async () => {
      const texts = numbered(400);
      await Promise.all(texts.map((text) => appendText(writer, text)));
      const reader = await fixture.openReader(123);
      for (const position of [400, 1, 250, 249, 251, 2, 399, 123]) {
        reader.seek(position);
        const [record] = await reader.read(1);
        expect([record?.position, record?.body.toString()]).toEqual([
          position,
          `record ${position}`,
        ]);
      }
      reader.seek(401);
      expect(await reader.read(1)).toEqual([]);
      await appendText(writer, 'record 401');
      expect(await readTexts(reader)).toEqual(['record 401']);
      await reader.close();
    });

    it('records of no bytes and of the greatest size are kept', async () => {
      const large = Buffer.alloc(fixture.recordBytesMax, 0x5a);
      await appendText(writer, '');
      const done = new Promise<Error | null>((resolve) => {
        writer.append(large.length, (target, at) => void large.copy(target, at), resolve);
      });
      expect(await done).toBeNull();
      await appendText(writer, 'behind');
      const reader = await fixture.openReader();
      const bodies: Buffer[] = [];
      while (reader.next <= 3) {
        const records: readonly LogRecord[] = await reader.read(10);
        for (const record of records) bodies.push(Buffer.from(record.body));
      }
      expect(bodies[0]?.length).toBe(0);
      expect(bodies[1]?.equals(large)).toBe(true);
      expect(bodies[2]?.toString()).toBe('behind');
      await reader.close();
    });

    it('a record beyond the greatest size is refused by name, in its turn, and the others are kept', async () => {
      const answers: string[] = [];
      const note = (label: string) => (error: Error | null, position: Position) => {
        const code = error !== null && 'code' in error ? String(error.code) : '';
        answers.push(`${label} ${code === '' ? position : code}`);
      };
      const one = (target: Buffer, at: number): void => void target.write('1', at);
      writer.append(1, one, note('a'));
      const tooMany = fixture.recordBytesTooMany ?? fixture.recordBytesMax + 1;
      writer.append(tooMany, () => undefined, note('b'));
      writer.append(1, one, note('c'));
      await appendText(writer, 'last');
      expect(answers).toEqual(['a 1', `b ${refusalsOf(fixture).tooLarge}`, 'c 2']);
    });

    it('appending from within done is allowed', async () => {
      const second = await new Promise<Position>((resolve, reject) => {
        writer.append(
          1,
          (target, at) => void target.write('1', at),
          () => void appendText(writer, 'second').then(resolve, reject),
        );
      });
      expect(second).toBe(2);
    });

    it('what was acknowledged is there after close and open, and positions go on', async () => {
      const texts = numbered(100);
      await Promise.all(texts.map((text) => appendText(writer, text)));
      await writer.close();
      writer = await fixture.openWriter();
      expect(writer.durableEnd.get()).toBe(100);
      expect(await appendText(writer, 'record 101')).toBe(101);
      const reader = await fixture.openReader();
      expect(await readTexts(reader)).toEqual(numbered(101));
      await reader.close();
    });

    it('close waits for what was appended, and appends after it are refused by name', async () => {
      const last = appendText(writer, 'last');
      const closing = writer.close();
      const refused = appendText(writer, 'too late');
      expect(await last).toBe(1);
      const refusal = { code: refusalsOf(fixture).closed };
      await expect(refused).rejects.toMatchObject(refusal);
      await closing;
      await expect(appendText(writer, 'later')).rejects.toMatchObject(refusal);
    });

    it('nothing is skipped where nothing is damaged', async () => {
      await appendText(writer, 'x');
      const reader = await fixture.openReader();
      expect(await reader.skipDamaged()).toBeNull();
      expect(await readTexts(reader)).toEqual(['x']);
      expect(await reader.skipDamaged()).toBeNull();
      await reader.close();
    });
  });
}
