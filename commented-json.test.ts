import { expect, test } from 'vitest';
import { z } from 'zod';
import { parseCommentedJson, printCommentedJson } from './commented-json.ts';

test('comments and a last comma are allowed, inside strings they are text', () => {
  const text =
    '{\n  // a comment\n  "url": "mqtt://host", // another\n  "list": [1, 2,],\n  "odd": ",}",\n}';
  expect(parseCommentedJson(text)).toEqual({ url: 'mqtt://host', list: [1, 2], odd: ',}' });
});

test('what is not JSON is refused', () => {
  expect(() => parseCommentedJson('{"a": }')).toThrow(SyntaxError);
});

const schema = z.strictObject({
  port: z.int().min(0).max(65_535).default(1883).describe('Where it listens.'),
  level: z.enum(['info', 'debug']).default('info').describe('How much it says.'),
  inner: z
    .strictObject({
      queueMax: z.int().min(1).max(10).default(5).describe('Beyond it the oldest goes.'),
    })
    .prefault({})
    .describe('A room.'),
});

test('the printed configuration parses back to the same values, defaults commented out', () => {
  for (const given of [{}, { port: 7 }, { level: 'debug', inner: { queueMax: 9 } }]) {
    const values = schema.parse(given);
    const printed = printCommentedJson(z.toJSONSchema(schema, { io: 'input' }), values);
    expect(schema.parse(parseCommentedJson(printed))).toEqual(values);
    expect(printed).toContain('// Where it listens.');
    expect(printed).toContain('Accepted: integer from 0 to 65535.');
  }
  const printed = printCommentedJson(
    z.toJSONSchema(schema, { io: 'input' }),
    schema.parse({ port: 7 }),
  );
  expect(printed).toContain('\n  "port": 7,');
  expect(printed).toContain('\n    // "queueMax": 5,');
});
