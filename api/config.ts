import { z } from 'zod';

import { outboxConfig } from './outbox/config.ts';
import { limitsConfig } from './limits/config.ts';
import { catalogueConfig } from './catalogue/config.ts';
const count = (max: number) => z.int().min(1).max(max);
const milliseconds = (max: number) => z.int().min(1).max(max);

/** Settings of the doors out. Every bound says what happens when it is reached. */
export const apiConfig = z.strictObject({
  host: z
    .string()
    .min(1)
    .optional()
    .describe('Address to listen on. None: all interfaces, IPv6 and IPv4.'),
  httpPort: z.int().min(0).max(65_535).default(8080).describe('Port of the API; 0: a free one.'),
  metricsPort: z
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe('A port of its own for /metrics, for everyone. None: on loopback, at httpPort.'),
  publicUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('How the world reaches this server, for `next` links. None: as the client asked.'),
  tlsCertificateFile: z
    .string()
    .optional()
    .describe('PEM file with the certificate chain: serves HTTPS. Read again when it changes.'),
  tlsKeyFile: z.string().optional().describe('PEM file with the key of the certificate.'),
  tlsReloadMs: milliseconds(86_400_000)
    .default(10_000)
    .describe(
      'How often the certificate files are looked at; a bad pair is reported and not used.',
    ),
  trustedProxies: z
    .array(z.string().min(1))
    .max(100)
    .default([])
    .describe('Addresses or CIDR ranges of proxies whose X-Forwarded-… headers count.'),
  requestTimeoutMs: milliseconds(600_000)
    .default(30_000)
    .describe('A request that is not wholly received by then is answered 408 and closed.'),
  headersTimeoutMs: milliseconds(600_000)
    .default(10_000)
    .describe('Headers that are not wholly received by then: answered 408 and closed.'),
  connectionTimeoutMs: milliseconds(3_600_000)
    .default(60_000)
    .describe('A connection on which nothing moved for so long is closed.'),
  keepAliveTimeoutMs: milliseconds(600_000)
    .default(20_000)
    .describe('How long an idle connection is kept for its next request; then it is closed.'),
  requestsPerSocketMax: count(1_000_000)
    .default(1_000)
    .describe('Requests of one connection; the last one is answered with Connection: close.'),
  connectionsMax: count(1_000_000)
    .default(20_000)
    .describe('Open connections; further ones are closed at once and counted.'),
  connectionsPerAddressMax: count(1_000_000)
    .default(2_000)
    .describe(
      'Open connections of one address (IPv6: /56); further ones are closed at once and counted.',
    ),
  bodyBytesMax: count(1_073_741_824)
    .default(1_048_576)
    .describe('Bytes of a request body; more is answered 413.'),
  importBytesMax: count(1_073_741_824)
    .default(67_108_864)
    .describe('Bytes of a registry file that is imported; more is answered 413.'),
  rowsPerPageDefault: count(100_000)
    .default(1_000)
    .describe('Rows of a JSON or GeoJSON page when the request names no limit; then `next`.'),
  rowsPerPageMax: count(10_000_000)
    .default(1_000_000)
    .describe('Greatest `limit` of a request; more is answered 400.'),
  rowsPerReadMax: count(100_000)
    .default(1_000)
    .describe('Rows read from the view at once; longer answers are read step by step.'),
  seriesPerPageMax: count(1_000_000)
    .default(20_000)
    .describe('Series of one JSON or GeoJSON request for rows or windows; more is answered 400.'),
  valuesPerParameterMax: count(100_000)
    .default(1_000)
    .describe('Values in a comma-separated parameter; more is answered 400.'),
  streamsMax: count(100_000)
    .default(64)
    .describe('Long answers under way at once; further ones are answered 429 with Retry-After.'),
  streamStallMs: milliseconds(3_600_000)
    .default(30_000)
    .describe('A long answer whose client takes nothing for so long is cut, so without its end.'),
  liveClientsMax: count(1_000_000)
    .default(2_000)
    .describe('Clients of /live; further ones are answered 429 with Retry-After.'),
  liveBufferBytesMax: count(67_108_864)
    .default(262_144)
    .describe('Unsent bytes of one live client; at the bound it is read on from the log later.'),
  liveFrozenMs: milliseconds(600_000)
    .default(8_000)
    .describe('A live client that takes nothing for so long while it has unsent bytes is cut.'),
  liveHeartbeatMs: milliseconds(600_000)
    .default(15_000)
    .describe('A quiet live stream says so often that it is alive, with its cursor.'),
  liveCatchUpsMax: count(10_000)
    .default(16)
    .describe('Live clients reading the log at once; the others wait their turn.'),
  changesPerPageMax: count(100_000)
    .default(10_000)
    .describe('Greatest `limit` of /changes; more is answered 400.'),
  changesScanBytesMax: count(1_073_741_824)
    .default(4_194_304)
    .describe('Bytes of the log that one page of /changes looks through; then a shorter page.'),
  changeReadersMax: count(10_000)
    .default(32)
    .describe('Readers kept where pages of /changes ended; beyond, the oldest is closed.'),
  eventsMax: count(100_000)
    .default(500)
    .describe(
      'Events that /events shows: corrections, deletions, openings; the oldest go. As many more ' +
        'are kept for pages that were begun before; beyond, those are answered API_PAGE_EXPIRED.',
    ),
  eventsLookBackBatches: count(1_000_000)
    .default(2_000)
    .describe('Batches before the start that /events looks through, once; it shows no older ones.'),
  feedHorizonMs: z
    .int()
    .min(0)
    .max(3_153_600_000_000)
    .default(0)
    .describe('How far back changes can be followed; older cursors get 410. 0: without end.'),
  hooksRetryMsMin: milliseconds(3_600_000)
    .default(5_000)
    .describe('Wait before a delivery that failed is tried again; doubled with each failure.'),
  hooksRetryMsMax: milliseconds(86_400_000)
    .default(21_600_000)
    .describe('Longest wait between two tries of a delivery.'),
  hooksFailingMsMax: milliseconds(2_592_000_000)
    .default(432_000_000)
    .describe(
      'A webhook whose deliveries have failed for so long is disabled until it is resumed.',
    ),
  hooksRotateMs: milliseconds(2_592_000_000)
    .default(86_400_000)
    .describe('How long deliveries are signed with the earlier secret too after a rotation.'),
  hooksLoopback: z
    .boolean()
    .default(false)
    .describe(
      'Webhooks may also go to http and https on this machine itself. For trials only; all other private addresses stay refused.',
    ),
  asOfSettleMs: z
    .int()
    .min(0)
    .max(60_000)
    .default(1_000)
    .describe(
      'How long after a moment its last batch may still be on its way to the disk: asOf of a moment so near waits until this has passed, so that asked again it says the same.',
    ),
  earlierCostMax: count(1_000_000_000)
    .default(3_000_000)
    .describe(
      'Microseconds of one core that making the registry of an earlier moment (lists with asOf) may take, in slices between other requests; what would take longer is refused, 400, with the earliest moment that does not. More than queryCostMax: it is made once for all who ask.',
    ),
  earlierViewsMax: count(1_000)
    .default(8)
    .describe(
      'Views of the registry as of earlier moments (lists with asOf) kept, one for each version and kind of viewer; beyond, the one asked for longest ago is let go and made again.',
    ),
  accessRequestsOpenMax: count(100_000)
    .default(200)
    .describe(
      'Requests for access that wait for a decision, of recipients and of others each; further ones are answered 429.',
    ),
  accessRequestsPerDayMax: count(100_000)
    .default(50)
    .describe(
      'Requests for access within a day by those who are no recipient; further ones are answered 429.',
    ),
  accessRequestsPerAddressMax: count(10_000)
    .default(5)
    .describe(
      'Requests for access of one address, or /56, within an hour; further ones are answered 429.',
    ),
  accessDecisionDays: count(3_650)
    .default(15)
    .describe('Days in which a request for access must be decided; then it expires.'),
  clockJumpMsMax: milliseconds(315_360_000_000)
    .default(86_400_000)
    .describe(
      'A clock that jumps ahead by more, or stands further ahead at a start than when the server last ran, is told as an error and does not count yet: embargoes and grants end, and logs are deleted, by the time that has passed, until the clock is mended or has gone evenly for so long. To confirm it at once: a greater value and a restart.',
    ),
  accessLogDays: count(3_650)
    .default(90)
    .describe('Days for which each request made with a key is kept; older ones are deleted.'),
  accessMeteringDays: count(36_500)
    .default(1_830)
    .describe('Days for which the sums of each key and day are kept; older ones are deleted.'),
  accessLogEveryMs: milliseconds(86_400_000)
    .default(300_000)
    .describe(
      'A stream of a key (server-sent events, WebSocket, MQTT) that goes on has a row in the access log for what it was given in so long; a crash loses the figures of at most so long.',
    ),
  accessLogPendingMax: count(10_000_000)
    .default(20_000)
    .describe(
      'Requests of keys that wait to be written down; at the bound further ones are not noted, and counted as dropped.',
    ),
  outbox: outboxConfig
    .optional()
    .describe(
      'A portal to which datasets are submitted, by the node that publishes. None: nowhere.',
    ),
  usageCellMin: count(1_000_000)
    .default(10)
    .describe(
      'Requests of a dataset on one day, for one resource in one format, below which the figure is not published: a few requests may be one person.',
    ),
  usageDays: count(36_500)
    .default(3_660)
    .describe('Days for which figures of usage are kept; older ones are deleted.'),
  usagePendingMax: count(10_000_000)
    .default(20_000)
    .describe(
      'Different questions whose usage waits to be written down; at the bound that of further ones is not counted, and counted as dropped.',
    ),
  followBytesMax: count(67_108_864)
    .default(262_144)
    .describe('Bytes of the log followed in one step, between which requests are answered.'),
  sandbox: z
    .boolean()
    .default(false)
    .describe('Answers /api/v1/sandbox, for developers who try their clients (run --sandbox).'),
  mapItemsMax: count(100_000)
    .default(10_000)
    .describe('Greatest `limit` of features for maps; more is answered 400.'),
  tileFeaturesMax: count(1_000_000)
    .default(50_000)
    .describe('Features of one vector tile; a fuller one is answered 400: ask for one property.'),
  windowValuesMax: count(100_000_000)
    .default(4_000_000)
    .describe('Values of one window that a percentile is of; a window with more is refused, 400.'),
  chartSeriesMax: count(8).default(8).describe('Series of one chart; more is answered 400.'),
  chartRowsMax: count(100_000_000)
    .default(300_000)
    .describe('Rows, or hours, that one chart is drawn from; a longer span is answered 400.'),
  chartsQueueMax: count(10_000)
    .default(32)
    .describe('Charts being drawn or waiting; further ones are answered 429 with Retry-After.'),
  chartsCacheBytesMax: count(1_073_741_824)
    .default(33_554_432)
    .describe('Bytes of PNG charts kept while they are true; beyond, the oldest is let go.'),
  chartPaintMsMax: milliseconds(600_000)
    .default(10_000)
    .describe('A PNG that is not painted by then is answered 503, and its thread replaced.'),
  cacheSecondsMax: z
    .int()
    .min(0)
    .max(86_400)
    .default(60)
    .describe('Greatest max-age of an answer; within it a tenth of the shortest interval.'),
  ...limitsConfig,
  hooksMax: count(100_000)
    .default(1_000)
    .describe('Webhooks in all; further ones are refused with 429.'),
  hooksKeylessMax: count(100_000)
    .default(700)
    .describe(
      'Webhooks made without a key; further ones are refused with 429. What `hooksMax` is more is left to keys.',
    ),
  hooksPerMakerMax: count(100_000)
    .default(20)
    .describe(
      'Webhooks made with one key, or without a key from one address or /56; further ones are refused with 429.',
    ),
  hooksPerHostMax: count(100_000)
    .default(10)
    .describe(
      'Webhooks to one host, of those with keys and those without each; further ones are refused with 429.',
    ),
  hooksPerDomainMax: count(100_000)
    .default(40)
    .describe(
      'Webhooks to one domain (the last two labels, three under names such as com.vn), of those with keys and those without each; further ones are refused with 429.',
    ),
  hooksUnverifiedMsMax: milliseconds(2_592_000_000)
    .default(21_600_000)
    .describe('A webhook that has never answered its challenge is removed after so long.'),
  hooksIdleMsMax: milliseconds(31_536_000_000)
    .default(604_800_000)
    .describe(
      'A webhook that has been disabled, expired or ended for so long is removed, with its place in the feed.',
    ),
  hooksChallengesPerHourMax: count(100_000)
    .default(10)
    .describe('Verifications sent to one host in an hour; further ones wait for the next hour.'),
  hooksChallengesPerMakerMax: count(100_000)
    .default(60)
    .describe(
      'Verifications in an hour of webhooks made with one key, or without a key from one address or /56; further ones wait.',
    ),
  hooksChallengesPerAddressMax: count(100_000)
    .default(60)
    .describe(
      'Verifications sent to one address, or /56, in an hour, whatever names stand for it; further ones wait.',
    ),
  hooksResolveMsMax: milliseconds(60_000)
    .default(5_000)
    .describe('A name of a receiver that is not looked up by then has failed, as no answer has.'),
  hooksDeliveriesMax: count(1_000)
    .default(16)
    .describe('Deliveries to webhooks at once; the others wait their turn.'),
  hooksTimeoutMs: milliseconds(600_000)
    .default(15_000)
    .describe('A receiver that has not answered by then has failed: the delivery is tried again.'),
  hooksAnswerBytesMax: count(1_048_576)
    .default(65_536)
    .describe('Bytes read of the answer of a receiver; what is longer is cut off.'),
  hooksChangesMax: count(10_000)
    .default(1_000)
    .describe('Changes of one delivery; more go with the next.'),
  hooksCharactersMax: count(67_108_864)
    .default(1_048_576)
    .describe(
      'Characters of one delivery, up to the change that passes them; more go with the next.',
    ),
  publishing: z
    .boolean()
    .optional()
    .describe(
      'Whether this node makes what must exist once: manifests, files, what is sent. None: on one machine it does, in a cluster it does not; set it on one api node there.',
    ),
  publishingUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'Address of the api node that publishes, for one that does not: such requests are sent there (307). None: they are answered 503.',
    ),
  manifestDelayMs: z
    .int()
    .min(0)
    .max(86_400_000)
    .default(300_000)
    .describe('How long after the end of a UTC day its manifest is made.'),
  manifestDaysMax: count(1_000_000)
    .default(50_000)
    .describe(
      'Days in one answer about the tree of a manifest; more are refused (400), to be asked for with fewer datastreams or a shorter time.',
    ),
  bulkSettleHours: z
    .int()
    .min(0)
    .max(8_760)
    .default(6)
    .describe('Files of a month are made so long after it has ended at all stations.'),
  bulkDebounceMs: z
    .int()
    .min(0)
    .max(2_592_000_000)
    .default(900_000)
    .describe('Files are made anew so long after the first change that is not in them.'),
  bulkRetryMs: milliseconds(86_400_000)
    .default(60_000)
    .describe('After files could not be made (a full disk) it is tried again so much later.'),
  bulkKeepSupersededDays: z
    .int()
    .min(0)
    .max(36_500)
    .default(30)
    .describe('Superseded files that no citation names are removed after so many days.'),
  citationBytesMax: count(1_073_741_824)
    .default(33_554_432)
    .describe(
      'Bytes of one cited answer; more is answered 422: cite less, or the file of a month.',
    ),
  citationsBytesMax: count(1_099_511_627_776)
    .default(10_737_418_240)
    .describe(
      'Bytes on the disk of all citations: their rows, their answers and the files of months that they keep; then further ones are answered 503.',
    ),
  citingMax: count(1_000)
    .default(4)
    .describe(
      'Citations being made at once, each of which holds an answer in memory; further ones are answered 429.',
    ),
  citationReadsMax: count(10_000)
    .default(8)
    .describe('Citations whose bytes are given out at once; further ones are answered 429.'),
  fileReadsMax: count(100_000)
    .default(256)
    .describe('Files of months given out at once, a descriptor each; further ones get 429.'),
  citationUnitsPerDay: count(1_000_000)
    .default(500)
    .describe(
      'What a key, or a network of clients without one, may cite in 24 hours: a unit for each citation and one for each MiB that it newly keeps; then 429. Operators are not limited.',
    ),
  catalogue: catalogueConfig.prefault({}).describe('Catalogue of the datasets.'),
});

export type ApiConfig = z.infer<typeof apiConfig>;
