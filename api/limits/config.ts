import { z } from 'zod';

const units = z.int().min(1).max(1_000_000_000);

/** Keys of `api` about quotas and overload. */
export const limitsConfig = {
  quotaWindowMs: z
    .int()
    .min(1_000)
    .max(86_400_000)
    .default(60_000)
    .describe('In which a used-up quota is whole again; it flows in evenly.'),
  quotaKeylessUnits: units
    .default(30_000)
    .describe(
      'Quota of one address (IPv6: /56) without a key: a request takes one unit, its rows more. Used up: 429 with Retry-After. Many readers may share an address.',
    ),
  quotaSiteTimes: z
    .int()
    .min(1)
    .max(256)
    .default(16)
    .describe(
      'So many times quotaKeylessUnits may the addresses of one IPv6 /48 use together, and twice the places that one of them may hold; beyond, 429.',
    ),
  quotaKeyUnits: units
    .default(300_000)
    .describe('Quota of a key (a token of the role reader); used up: 429. Operators have none.'),
  quotaClasses: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/),
        units,
        tokens: z.array(z.string().min(1).max(64)).max(10_000),
      }),
    )
    .max(100)
    .default([])
    .describe('Keys with a quota of their own: the name of the class, its units, ids of tokens.'),
  quotaRowsPerUnit: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(100)
    .describe('Rows of an answer that take one more unit; answers that were ready take none.'),
  quotaMicrosecondsPerUnit: z
    .int()
    .min(1)
    .max(1_000_000_000)
    .default(500)
    .describe(
      'Microseconds of the thread, spent on reading for an answer, that take one more unit where they are more than its rows take.',
    ),
  clientPercentMax: z
    .int()
    .min(1)
    .max(100)
    .default(25)
    .describe(
      'Of the places of streamsMax, liveClientsMax, chartsQueueMax, citationReadsMax, fileReadsMax and citingMax one client (a key, or one address without) may hold so many percent, at least one; further ones are answered 429. Programs that quotaLoopback lets off have no such bound.',
    ),
  keptPercent: z
    .int()
    .min(0)
    .max(90)
    .default(20)
    .describe(
      'Of the same places clients without a key leave so many percent to keys and operators, and keys leave a quarter of these to operators; beyond, they are answered 429.',
    ),
  quotaLoopback: z
    .enum(['none', 'keyless'])
    .default('none')
    .describe('Quota of programs on this machine that no proxy speaks for.'),
  quotaClientsMax: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(200_000)
    .describe('Clients counted each for itself; where all have used some, new ones share quotas.'),
  readyBytesMax: z
    .int()
    .min(0)
    .max(4_294_967_296)
    .default(67_108_864)
    .describe(
      'Bytes of answers kept to be given again to whoever asks the same at the same moment, with their questions; at the bound those go that were asked for longest ago.',
    ),
  readyEntriesMax: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(2_000)
    .describe('Such answers; at the bound those go that were asked for longest ago.'),
  readyIdleMs: z
    .int()
    .min(1_000)
    .max(86_400_000)
    .default(60_000)
    .describe(
      'Such an answer that nobody has asked for in so long is let go with the next question.',
    ),
  catalogueBytesMax: z
    .int()
    .min(0)
    .max(4_294_967_296)
    .default(134_217_728)
    .describe(
      'Bytes of documents of the catalogue kept for who asks next, and as many of packages; at the bound the oldest go, and what alone is greater is made anew for each who asks.',
    ),
  queryCostMax: z
    .int()
    .min(1_000)
    .max(1_000_000_000_000)
    .default(500_000)
    .describe(
      'Cost of one JSON or GeoJSON page: about microseconds that it takes; a question that is estimated to cost more is answered 400 at once, with ways to narrow it. csv, ndjson and parquet have no bound.',
    ),
  doors: z
    .int()
    .min(1)
    .max(256)
    .default(64)
    .describe(
      'Sockets that listen at httpPort (on Linux; elsewhere one): so many new connections are taken in one turn, however busy the API is.',
    ),
  waitingConnectionsMax: z
    .int()
    .min(1)
    .max(65_535)
    .default(4_096)
    .describe(
      'Connections that wait to be taken while the API is busy; further ones are not answered by the machine. Linux bounds it by net.core.somaxconn.',
    ),
  overloadDelayMs: z
    .int()
    .min(1)
    .max(600_000)
    .default(150)
    .describe(
      'When the API is late by so much, requests without a key are answered 503 with Retry-After; with a key, at twice as much; of operators, never.',
    ),
} as const;
