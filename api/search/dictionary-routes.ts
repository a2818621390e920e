/** `/dictionary`: the data dictionary, as JSON and as a table in either language. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';

import { answerList } from '../answer.ts';
import type { ApiContext } from '../context.ts';
import type { Table } from '../formats/table.ts';
import { addListRoute } from '../routes/list.ts';
import { stepItemsById } from '../routes/things.ts';
import { dictionaryOf, entryKinds, type DictionaryEntry } from './dictionary.ts';

const name = z.strictObject({ vi: z.string(), en: z.string() });
const range = z.strictObject({ min: z.number(), max: z.number() });

const item = z.strictObject({
  id: z.string(),
  kind: z.enum(entryKinds),
  value: z.string().describe('As it stands in rows.'),
  label: name,
  meaning: name,
  type: z.string().optional().describe('Of a field.'),
  place: z.int().min(1).max(16).optional().describe('Of a test, its digit in `tests`, from 1.'),
  unit: z.string().optional().describe('UCUM code.'),
  domain: z.string().optional(),
  basis: z.string().optional().describe('Chemical basis.'),
  plausible: range.optional().describe('Outside it a value fails.'),
  expected: range.optional().describe('Outside it a value is suspect.'),
  nationalSymbol: z
    .string()
    .optional()
    .describe('Of Circular 10/2021/TT-BTNMT, Appendix 15, table 34.'),
  links: z.array(
    z.strictObject({ scheme: z.string(), match: z.enum(['exact', 'close']), uri: z.string() }),
  ),
});

const example = {
  id: 'flag.1',
  kind: 'flag',
  value: '1',
  label: { vi: 'Tốt', en: 'Good' },
  meaning: {
    vi: 'Giá trị đã qua mọi phép kiểm tra được thực hiện.',
    en: 'The value passed every test that was made.',
  },
  links: [
    {
      scheme: 'codes.wmo.int',
      match: 'exact',
      uri: 'http://codes.wmo.int/wmdr/WaterML2_0/good',
    },
  ],
};

const query = {
  kind: z.enum(entryKinds).optional().describe('Only these.'),
  lang: z
    .enum(['vi', 'en'])
    .optional()
    .describe('Language of the CSV; without it both, in columns of their own. JSON has both.'),
} as const;

export function addDictionary(app: FastifyInstance, context: ApiContext): void {
  addListRoute(app, context, {
    path: '/dictionary',
    summary: 'What every property, field and word of quality means.',
    description: 'All of it in one answer, unless a limit is given.',
    query,
    item,
    example,
    offered: ['json', 'csv', 'ndjson'],
    async handle({ request, reply, query: asked, view, question }) {
      const page = asked.page === undefined ? undefined : question.tokens.decode(asked.page);
      const entries = dictionaryOf(view).filter(({ kind }) => (asked.kind ?? kind) === kind);
      return answerList(context, request, reply, {
        question,
        table: dictionaryTable(asked.lang),
        moment: await context.places.at(context.store.position),
        intervalMs: undefined,
        madeAtSeconds: 0,
        // Nothing here depends on readings: the registry's version says it all.
        unchangedSince: () => true,
        steps: stepItemsById(entries, { after: page?.place, limit: asked.limit ?? Infinity }),
      });
    },
  });
}

function dictionaryTable(language: 'vi' | 'en' | undefined): Table<DictionaryEntry> {
  const words =
    language === undefined
      ? ['labelVi', 'labelEn', 'meaningVi', 'meaningEn']
      : ['label', 'meaning'];
  const rest = ['type', 'place', 'unit', 'domain', 'basis', 'min', 'max'];
  const links = ['expectedMin', 'expectedMax', 'nationalSymbol', 'exactMatch', 'closeMatch'];
  return {
    columns: ['id', 'kind', 'value', ...words, ...rest, ...links],
    json: (entry) => JSON.stringify(entry),
    cells(entry) {
      const { label, meaning } = entry;
      const said =
        language === undefined
          ? [label.vi, label.en, meaning.vi, meaning.en]
          : [label[language], meaning[language]];
      return [
        entry.id,
        entry.kind,
        entry.value,
        ...said,
        entry.type,
        entry.place,
        entry.unit,
        entry.domain,
        entry.basis,
        entry.plausible?.min,
        entry.plausible?.max,
        entry.expected?.min,
        entry.expected?.max,
        entry.nationalSymbol,
        matchesOf(entry, 'exact'),
        matchesOf(entry, 'close'),
      ];
    },
    id: ({ id }) => id,
    point: () => null,
  };
}

function matchesOf({ links }: DictionaryEntry, match: 'exact' | 'close'): string {
  return links
    .filter((link) => link.match === match)
    .map(({ uri }) => uri)
    .join(' ');
}
