/** Manifests on the wire, for the API description. */
import { z } from 'zod';

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const day = z.string().regex(/^\d{4}-\d\d-\d\d$/);
const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const sequence = z.int().min(1).max(Number.MAX_SAFE_INTEGER);

export const keySchema = z.strictObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string().describe('32 bytes in base64url (RFC 8037).'),
  kid: z.string().describe('Thumbprint (RFC 7638).'),
});

export const keysSchema = z.strictObject({
  keys: z.array(
    z.strictObject({
      ...keySchema.shape,
      use: z.literal('sig'),
      since: sequence.describe('The first manifest that it signs.'),
    }),
  ),
});

export const manifestSchema = z.strictObject({
  format: z.literal('quantrac-manifest/1'),
  storeId: z.string(),
  sequence,
  previous: hash.nullable().describe('SHA-256 of the document of the manifest before.'),
  day: day.describe('The last UTC day that was over.'),
  cursor: z.string().describe('It is true here: /changes?until= and /observations?at= take it.'),
  madeAt: z.iso.datetime(),
  root: hash.describe('Over all open datastreams, as proof/tree.ts says it.'),
  datastreams: count,
  rows: count,
  changed: z
    .array(z.array(z.unknown()).min(4).max(4))
    .describe(
      '[datastream, UTC day, rows, sha256] of what is not as before; day null: the whole datastream; sha256 null: it has no rows, or is not open.',
    ),
  files: z.array(z.array(z.unknown()).min(3).max(3)).describe('[path, bytes, sha256] made since.'),
  key: z.string().describe('`kid` of the key that signed.'),
  nextKey: keySchema.optional().describe('It signs from the next manifest on.'),
  signature: z
    .string()
    .describe('Ed25519 over this document without `signature`, as RFC 8785 writes it.'),
});

const head = z.strictObject({
  sequence,
  day,
  madeAt: z.iso.datetime(),
  cursor: z.string(),
  sha256: hash,
  bytes: count,
  href: z.string(),
});

export const manifestsSchema = z.strictObject({
  items: z.array(head),
  next: z.string().nullable(),
});

const branch = z.array(z.unknown()).min(3).max(3);

export const bucketsSchema = z.strictObject({
  sequence,
  cursor: z.string(),
  datastreams: z
    .array(branch)
    .describe('[datastream, rows, sha256]: together they give `root`; or only those asked for.'),
  days: z
    .record(z.string(), z.array(branch))
    .optional()
    .describe('By datastream that was asked for, [UTC day, rows, sha256].'),
});

const exampleHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const exampleKey = {
  kty: 'OKP',
  crv: 'Ed25519',
  // RFC 8037, appendix A.2 and A.3.
  x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
  kid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
} as const;
const cursor = 'MTpzdG9yZS0xOjI6MA';

export const manifestExamples = {
  keys: { keys: [{ ...exampleKey, use: 'sig', since: 1 }] },
  manifest: {
    changed: [['ha-noi-temperature', '2024-06-01', 1, exampleHash]],
    cursor,
    datastreams: 1,
    day: '2024-06-01',
    files: [],
    format: 'quantrac-manifest/1',
    key: exampleKey.kid,
    madeAt: '2024-06-02T00:05:00.000Z',
    previous: exampleHash,
    root: exampleHash,
    rows: 1,
    sequence: 2,
    signature: 'A'.repeat(86),
    storeId: 'store-1',
  },
  manifests: {
    items: [
      {
        sequence: 2,
        day: '2024-06-01',
        madeAt: '2024-06-02T00:05:00.000Z',
        cursor,
        sha256: exampleHash,
        bytes: 640,
        href: '/api/v1/manifests/2',
      },
    ],
    next: null,
  },
  buckets: {
    sequence: 2,
    cursor,
    datastreams: [['ha-noi-temperature', 1, exampleHash]],
    days: { 'ha-noi-temperature': [['2024-06-01', 1, exampleHash]] },
  },
} as const;
