/**
 * Pictures as PNG, painted in a thread of their own, one at a time, and kept while they are true.
 * The thread is started for the first picture; one that fails, or takes too long, is replaced.
 */
import type { Clock } from '../../devices/clock.ts';
import type { ApiConfig } from '../config.ts';
import { apiError } from '../errors.ts';
import type { ApiEvents } from '../events.ts';

/** What the thread answers. */
export type Painted = { readonly png: Uint8Array<ArrayBuffer> } | { readonly failure: string };

export interface Painter {
  /** A picture of this question painted earlier, whose entity tag is still true. */
  kept(question: string, isTrue: (tag: string) => boolean): Uint8Array | undefined;
  /**
   * Paints the drawing, or joins in where the same is being painted. Rejects API_UNAVAILABLE where
   * the thread fails.
   */
  paint(picture: Picture): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface Picture {
  readonly question: string;
  readonly tag: string;
  readonly draw: () => Promise<string>;
  /** Told how long a core was busy with it, in milliseconds: of who joined in, nobody is. */
  readonly painted: (ms: number) => void;
}

export interface PainterOptions {
  readonly config: Pick<ApiConfig, 'chartsCacheBytesMax' | 'chartPaintMsMax'>;
  readonly clock: Clock;
  readonly events: Pick<ApiEvents, 'chartPainted' | 'chartFailed'>;
  readonly startThread: () => PaintThread;
}

/** As much of a `Worker` as is needed. */
export interface PaintThread {
  postMessage(svg: string): void;
  on(name: 'message', heard: (painted: Painted) => void): unknown;
  on(name: 'error', heard: (error: Error) => void): unknown;
  on(name: 'exit', heard: () => void): unknown;
  terminate(): Promise<unknown>;
}

export function createPainter(options: PainterOptions): Painter {
  const thread = createThread(options);
  const cache = createCache(options.config.chartsCacheBytesMax);
  const underWay = new Map<string, Promise<Uint8Array>>();
  let turn: Promise<unknown> = Promise.resolve();

  async function paintNow(svg: string, painted: Picture['painted']): Promise<Uint8Array> {
    const startMs = options.clock.monotonicMs();
    try {
      return await thread.paint(svg);
    } finally {
      painted(options.clock.monotonicMs() - startMs);
    }
  }

  function paintInTurn(svg: string, told: Picture['painted']): Promise<Uint8Array> {
    const painted = turn.then(() => paintNow(svg, told));
    turn = painted.catch(() => undefined);
    return painted;
  }

  return {
    kept: (question, isTrue) => cache.find(question, isTrue),
    paint({ question, tag, draw, painted }) {
      const found = underWay.get(tag);
      if (found !== undefined) return found;
      const painting = draw()
        .then((svg) => paintInTurn(svg, painted))
        .then((png) => {
          cache.keep(question, { tag, png });
          return png;
        })
        .finally(() => underWay.delete(tag));
      underWay.set(tag, painting);
      return painting;
    },
    close: () => thread.close(),
  };
}

function createThread({ config, clock, events, startThread }: PainterOptions) {
  let thread: PaintThread | undefined;
  /** Of the picture that is being painted. */
  let settle: ((painted: Painted) => void) | undefined;
  let isClosed = false;

  async function end(): Promise<void> {
    const ending = thread;
    thread = undefined;
    await ending?.terminate();
  }

  function start(): PaintThread {
    const started = startThread();
    // One that was let go is not heard any more.
    const isHeard = () => thread === started;
    started.on('message', (painted) => {
      if (isHeard()) settle?.(painted);
    });
    started.on('error', (error) => {
      if (!isHeard()) return;
      thread = undefined;
      if (settle === undefined) events.chartFailed(error);
      else settle({ failure: error.message });
    });
    started.on('exit', () => {
      if (!isHeard()) return;
      thread = undefined;
      settle?.({ failure: 'the thread ended' });
    });
    return started;
  }

  /** However it ends, and never later than the time allowed. */
  function askThread(svg: string): Promise<Painted> {
    thread ??= start();
    const asked = thread;
    return new Promise((resolve) => {
      const watching = clock.schedule(config.chartPaintMsMax, () =>
        settle?.({ failure: 'the picture took too long' }),
      );
      settle = (painted) => {
        settle = undefined;
        watching.cancel();
        resolve(painted);
      };
      asked.postMessage(svg);
    });
  }

  return {
    async paint(svg: string): Promise<Uint8Array> {
      // What waited for its turn shall not begin a thread that nobody ends.
      if (isClosed) throw apiError('API_UNAVAILABLE');
      const startedAtMs = clock.monotonicMs();
      const painted = await askThread(svg);
      if ('png' in painted) {
        events.chartPainted((clock.monotonicMs() - startedAtMs) / 1000);
        return painted.png;
      }
      const error = new Error(painted.failure);
      events.chartFailed(error);
      await end();
      throw apiError('API_UNAVAILABLE', {}, error);
    },
    async close() {
      isClosed = true;
      settle?.({ failure: 'the server is ending' });
      await end();
    },
  };
}

interface KeptPicture {
  readonly tag: string;
  readonly png: Uint8Array;
}

/** The pictures asked for last, in so many bytes. */
function createCache(bytesMax: number) {
  const pictures = new Map<string, KeptPicture>();
  let bytes = 0;

  function drop(question: string): void {
    bytes -= pictures.get(question)?.png.length ?? 0;
    pictures.delete(question);
  }

  return {
    find(question: string, isTrue: (tag: string) => boolean): Uint8Array | undefined {
      const found = pictures.get(question);
      if (found === undefined) return undefined;
      pictures.delete(question);
      if (!isTrue(found.tag)) {
        bytes -= found.png.length;
        return undefined;
      }
      pictures.set(question, found);
      return found.png;
    },
    keep(question: string, picture: KeptPicture): void {
      drop(question);
      pictures.set(question, picture);
      bytes += picture.png.length;
      for (const oldest of pictures.keys()) {
        if (bytes <= bytesMax) break;
        drop(oldest);
      }
    },
  };
}
