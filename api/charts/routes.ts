/**
 * `/observations.svg`, `.png` and `/aggregates.svg`, `.png`: the same filters as the lists, as a
 * picture that any page can embed. Changing the extension of a list's address gives its chart.
 */
import { scriptUrl } from '../../devices/script-url.ts';
import { Worker } from 'node:worker_threads';

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';

import type { Datastream } from '../../devices/model.ts';
import { touchSelection } from '../access/meter.ts';
import type { ApiContext } from '../context.ts';
import { conditionalHeaders } from '../description/replies.ts';
import { apiError, badParameter } from '../errors.ts';
import { filterQuery, readFilter, selectDatastreams } from '../filter.ts';
import { readOptionalInstant } from '../instant.ts';
import { addLink, licenceLinks } from '../limits/links.ts';
import { createSlots, type Slots } from '../../ingest/feed/slots.ts';
import { pinnedMoment, readFlags, readSpan, timeQuery } from '../routes/observations.ts';
import { isUnchanged } from '../routes/unchanged.ts';
import { viewerOf } from '../viewer.ts';
import { needsOf, readFunctions, type FunctionName } from '../windows/functions.ts';
import { withPartners } from '../windows/wind-partner.ts';
import { windowNames, windowOf, type WindowName } from '../windows/window.ts';
import { answerChart, chartReplies, type ChartFormat } from './answer.ts';
import { compose, type Composition, type Windowing } from './compose.ts';
import { draw } from './drawing.ts';
import { createTurns, plotRows, plotWindows, requireFewOf, type Gathering } from './gather.ts';
import { heightLimits, heightNeeded, sides, usualHeight, widthLimits } from './layout.ts';
import { createPainter, type Painter } from './painter.ts';
import { filledSpan, shownSpan, type Span } from './span.ts';
import { themeNames } from './theme.ts';
import { instantText } from './time-axis.ts';
import { chooseLanguage, languages, word } from './words.ts';

const { order: _order, ...chartTimes } = timeQuery;

const chartQuery = {
  ...filterQuery,
  ...chartTimes,
  width: z.coerce
    .number()
    .int()
    .min(widthLimits.min)
    .max(widthLimits.max)
    .default(widthLimits.usual)
    .describe('Of the picture, in pixels.'),
  height: z.coerce
    .number()
    .int()
    .min(heightLimits.min)
    .max(heightLimits.max)
    .optional()
    .describe('Of the picture, in pixels; as much as its plots need without this.'),
  theme: z.enum(themeNames).default('light').describe('Colours.'),
  lang: z.enum(languages).optional().describe('Of all text; overrides Accept-Language.'),
} as const;

const windowQuery = {
  window: z
    .enum(windowNames)
    .default('P1D')
    .describe("Length of the windows, in the station's local time."),
  functions: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('One function, as of /aggregates; the one that fits the property without this.'),
} as const;

interface Query extends Record<
  keyof typeof filterQuery | 'from' | 'to' | 'quality' | 'asOf',
  string | undefined
> {
  readonly width: number;
  readonly height?: number;
  readonly theme: (typeof themeNames)[number];
  readonly lang?: (typeof languages)[number];
  readonly window?: WindowName;
  readonly functions?: string;
}

const dayMs = 86_400_000;
/** Read and drawn at once; each keeps the thread for some milliseconds before others get their turn. */
const drawingsMax = 2;
/** What is shown without `from`. */
const usualLengthMs: Readonly<Record<WindowName | 'rows', number>> = {
  rows: 7 * dayMs,
  PT1M: dayMs,
  PT1H: 14 * dayMs,
  P1D: 366 * dayMs,
  P1M: 10 * 366 * dayMs,
  P1Y: 50 * 366 * dayMs,
};

const descriptions = {
  observations:
    'A chart of rows, for people and to embed: rain as bars, directions as points, suspect values ' +
    'ringed, failed ones crossed, gaps left open; of each column of pixels the least and the ' +
    'greatest value are drawn, so that no spike is lost. Without `from` seven days, without `to` ' +
    'up to the newest row.',
  aggregates:
    'A chart of windows: means with their range, sums as bars. Without `from` as much as shows ' +
    'well, without `to` up to the newest row.',
} as const;

export function addCharts(app: FastifyInstance, context: ApiContext): void {
  const painter = createPainter({
    ...context,
    startThread: () => new Worker(scriptUrl('./worker', import.meta.url)),
  });
  app.addHook('onClose', () => painter.close());
  const drawing = createSlots(drawingsMax);
  for (const list of ['observations', 'aggregates'] as const) {
    for (const format of ['svg', 'png'] as const) {
      const querystring = z.strictObject(
        list === 'observations' ? chartQuery : { ...chartQuery, ...windowQuery },
      );
      const schema = {
        summary: `A chart of ${list}, as ${format}.`,
        description: descriptions[list],
        querystring,
        headers: conditionalHeaders,
        response: chartReplies(format),
        tags: ['readings'],
      };
      app.get(`/${list}.${format}`, { schema }, (request, reply) =>
        answer(context, request, reply, { format, painter, drawing }),
      );
    }
  }
}

interface How {
  readonly format: ChartFormat;
  readonly painter: Painter;
  readonly drawing: Slots;
}

async function answer(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  { drawing, ...how }: How,
): Promise<FastifyReply> {
  const { config, registry, networks } = context;
  const viewer = viewerOf(registry, request.headers.authorization);
  const query = request.query as Query;
  const view = networks.viewOf(viewer);
  touchSelection(request, view, query);
  const asked = readSpan(query);
  const flags = readFlags(query.quality);
  const windowing = readWindowing(query);
  const language = chooseLanguage(query.lang, request.headers['accept-language']);
  const datastreams = selectDatastreams(view, readFilter(query, config.valuesPerParameterMax));
  requireFew(datastreams.length, config.chartSeriesMax);
  const composition = compose(view, datastreams, { language, windowing });
  const height = readHeight(query.height, composition.seriesOfPanels);
  const moment = await pinnedMoment(context, query.asOf, undefined);
  const gathering = {
    ...context,
    view,
    flags,
    moment,
    hasChanged: (series: number) => !isUnchanged(context, series, moment),
    rowsMax: config.chartRowsMax,
    worked: (ms: number) => context.gate.countWork(request, { rows: 0, ms }),
    rowsPerReadMax: config.rowsPerReadMax,
  };
  const isOpen = { from: query.from === undefined, to: query.to === undefined };
  const nowAt = Math.floor(context.clock.now() / dayMs + 1) * dayMs;
  addLink(reply, licenceLinks(view, datastreams));
  return answerChart(context, request, reply, {
    ...how,
    viewer,
    registryVersion: view.registry.version,
    language,
    // Where neither is given and there is no row, the picture is of today.
    question: isOpen.from && isOpen.to ? String(nowAt) : '',
    moment,
    datastreams: isOfVectors(windowing) ? withPartners(view, datastreams) : datastreams,
    drawText: async () => {
      const lengthMs = usualLengthMs[windowing?.window ?? 'rows'];
      const isAsked = !isOpen.from && !isOpen.to;
      const held = isAsked
        ? undefined
        : await heldSpan(gathering, datastreams, { asked, windowing });
      const span = shownSpan(asked, { isOpen, held, lengthMs, nowAt });
      // What is refused is refused at once, not behind the charts that are being drawn.
      const { window } = windowing ?? {};
      await requireFewOf(gathering, composition.wanted, { ...span, window });
      const parts = { query, language, height, windowing, span };
      return inSlot(drawing, () => drawText(gathering, composition, parts));
    },
  });
}

async function inSlot<Result>(slots: Slots, run: () => Promise<Result>): Promise<Result> {
  await slots.take();
  try {
    return await run();
  } finally {
    slots.release();
  }
}

/** From the first row to the newest, or their windows; undefined without a row. */
async function heldSpan(
  gathering: Gathering,
  datastreams: readonly Datastream[],
  { asked, windowing }: { readonly asked: Span; readonly windowing: Windowing | undefined },
): Promise<Span | undefined> {
  const spans: Span[] = [];
  for (const datastream of datastreams) {
    const filled = await filledSpan(gathering, datastream, asked);
    const time = gathering.view.rows.context(datastream.series)?.time;
    if (filled === undefined || time === undefined) continue;
    const { fromAt, toAt } = filled;
    if (windowing === undefined) spans.push({ fromAt: fromAt - datastream.intervalMs, toAt });
    else {
      const [first, last] = [fromAt, toAt].map((at) => windowOf(windowing.window, at, time));
      spans.push({ fromAt: first?.startAt ?? fromAt, toAt: last?.endAt ?? toAt });
    }
  }
  if (spans.length === 0) return undefined;
  return {
    fromAt: Math.min(...spans.map((span) => span.fromAt)),
    toAt: Math.max(...spans.map((span) => span.toAt)) + 1,
  };
}

async function drawText(
  gathering: Gathering,
  composition: Composition,
  parts: {
    readonly query: Query;
    readonly language: (typeof languages)[number];
    readonly height: number;
    readonly windowing: Windowing | undefined;
    readonly span: Span;
  },
): Promise<string> {
  const { query, language, height, windowing, span } = parts;
  const { width, theme } = query;
  const frame = { ...span, columns: width - sides.left - sides.right };
  const { wanted, time, title, source } = composition;
  const plots =
    windowing === undefined
      ? await plotRows(gathering, wanted, frame)
      : await plotWindows(gathering, wanted, { ...frame, window: windowing.window });
  const asOfAt = readOptionalInstant(query.asOf, 'asOf');
  const note =
    asOfAt === null ? '' : `${word(language, 'asOf')} ${instantText(asOfAt, time, language)}`;
  const panels = composition.panelsOf(plots);
  const takeTurn = createTurns(gathering);
  let text = '';
  for (const part of draw({
    title,
    note,
    source,
    ...span,
    time,
    language,
    theme,
    width,
    height,
    panels,
  })) {
    text += part;
    await takeTurn();
  }
  return text;
}

function isOfVectors(windowing: Windowing | undefined): boolean {
  const functionName = windowing?.functionName;
  return functionName !== undefined && needsOf([functionName]).vector;
}

function requireFew(series: number, seriesMax: number): void {
  if (series > seriesMax)
    throw apiError('API_CHART_TOO_MANY_SERIES', { series, seriesMax, parameter: 'datastream' });
}

function readWindowing({ window, functions }: Query): Windowing | undefined {
  if (window === undefined) return undefined;
  const names: readonly (FunctionName | undefined)[] =
    functions === undefined ? [undefined] : readFunctions(functions);
  if (names.length !== 1) throw badParameter('functions', 'one function');
  return { window, functionName: names[0] };
}

function readHeight(wished: number | undefined, seriesOfPanels: readonly number[]): number {
  if (wished === undefined) return usualHeight(seriesOfPanels);
  const needed = heightNeeded(seriesOfPanels);
  if (wished < needed) throw badParameter('height', `at least ${needed} for these series`);
  return wished;
}
