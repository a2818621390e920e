/**
 * What a new subscriber of the public feed is shown first: its latest rows, page by page, as fast as
 * the subscriber takes them, with RETAIN set (MQTT-3.3.1-8).
 */
import type { Counter } from '../given.ts';
import type { OpenMessage } from './open-feed.ts';
import type { OutgoingPublish, Qos } from './packets.ts';

export interface Replay {
  /** The next message; 'wait' while a page is on its way (`ready` is called then); 'end'. */
  next(): OutgoingPublish | 'wait' | 'end';
  end(): void;
}

export interface ReplayOptions {
  readonly pages: AsyncIterable<readonly OpenMessage[]>;
  readonly qos: Qos;
  /** Of a client with a key. */
  readonly counter?: Counter | undefined;
  readonly ready: () => void;
  readonly failed: (error: unknown) => void;
}

export function openReplay(options: ReplayOptions): Replay {
  const pages = options.pages[Symbol.asyncIterator]();
  let page: readonly OpenMessage[] = [];
  let at = 0;
  let state: 'paged' | 'waiting' | 'ended' = 'paged';

  function fetchPage(): void {
    state = 'waiting';
    pages.next().then(
      (result) => {
        if (state === 'ended') return;
        state = result.done === true ? 'ended' : 'paged';
        page = result.done === true ? [] : result.value;
        at = 0;
        options.ready();
      },
      (error: unknown) => {
        state = 'ended';
        options.failed(error);
        options.ready();
      },
    );
  }

  return {
    next() {
      if (state === 'paged' && at >= page.length) fetchPage();
      if (state === 'waiting') return 'wait';
      if (state === 'ended') return 'end';
      const { topic, payload } = page[at]!;
      at += 1;
      return { topic, payload, qos: options.qos, retain: true, counter: options.counter };
    },
    end() {
      if (state === 'ended') return;
      state = 'ended';
      pages.return?.().catch(options.failed);
    },
  };
}
