/**
 * Downloads of one list in parts of a size, each part read slowly and asked for again where it was
 * cut. A part counts only when it says its end: by its last member, its last line, or its trailer.
 */
import { get, type IncomingMessage } from 'node:http';
import { sleep, type Clock } from '../../devices/clock.ts';

type Format = 'json' | 'ndjson' | 'csv';

export interface Download {
  readonly format: Format;
  /** Ids of the rows of all whole parts, in order. */
  readonly ids: string[];
  /** Parts that came without their end. */
  readonly cuts: number;
  /** Resolves when the whole list is there. */
  readonly done: Promise<void>;
}

interface Part {
  readonly ids: readonly string[];
  readonly next: string | null;
}

export interface DownloadOptions {
  readonly format: Format;
  /** Of the first part. */
  readonly url: string;
  readonly clock: Clock;
  /** Milliseconds between two chunks taken from the socket. */
  readonly slowMs: number;
}

const retryMs = 200;

export function startDownload(options: DownloadOptions): Download {
  const { format, clock } = options;
  const ids: string[] = [];
  let cuts = 0;
  const run = async (): Promise<void> => {
    let url: string | null = options.url;
    while (url !== null) {
      const part: Part | 'cut' | undefined = await readPart(url, options).catch(() => undefined);
      if (part === undefined) {
        await sleep(clock, retryMs);
        continue;
      }
      if (part === 'cut') {
        cuts += 1;
        continue;
      }
      for (const id of part.ids) ids.push(id);
      ({ next: url } = part);
    }
  };
  return {
    format,
    ids,
    get cuts() {
      return cuts;
    },
    done: run(),
  };
}

/** `cut` for an answer that had begun; rejects where there was none. */
async function readPart(
  url: string,
  { format, clock, slowMs }: DownloadOptions,
): Promise<Part | 'cut'> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, resolve).on('error', reject);
  });
  if (answer.statusCode !== 200) {
    answer.resume();
    throw new Error(`status ${answer.statusCode}`);
  }
  let text = '';
  answer.setEncoding('utf8');
  try {
    for await (const chunk of answer) {
      text += String(chunk);
      if (slowMs > 0) await sleep(clock, slowMs);
    }
  } catch {
    // The socket broke: what came tells by itself that it is not whole.
  }
  return readers[format](text, answer.trailers) ?? 'cut';
}

type Read = (text: string, trailers: IncomingMessage['trailers']) => Part | undefined;

/** Undefined where the end is missing. */
const readers: Readonly<Record<Format, Read>> = {
  json(text) {
    const page = parsed(text);
    if (page?.items === undefined || typeof page.complete !== 'boolean') return undefined;
    return { ids: page.items.map(({ id }) => id), next: page.next ?? null };
  },
  ndjson(text) {
    const lines = text.split('\n');
    const end = parsed(lines.at(-2) ?? '');
    if (lines.at(-1) !== '' || typeof end?.complete !== 'boolean') return undefined;
    const ids = lines.slice(0, -2).map((line) => parsed(line)?.id ?? '');
    return { ids, next: end.next ?? null };
  },
  csv(text, trailers) {
    const complete = trailers['quantrac-complete'];
    if (complete === undefined) return undefined;
    const [, ...rows] = text.trimEnd().split('\r\n');
    const next = trailers['quantrac-next'];
    return {
      ids: rows.map((row) => row.slice(0, row.indexOf(','))),
      next: next === undefined || next === '' ? null : next,
    };
  },
};

interface Parsed {
  readonly id?: string;
  readonly items?: readonly { readonly id: string }[];
  readonly complete?: boolean;
  readonly next?: string | null;
}

function parsed(text: string): Parsed | undefined {
  try {
    return JSON.parse(text) as Parsed;
  } catch {
    // Half a value: the answer was cut.
    return undefined;
  }
}
