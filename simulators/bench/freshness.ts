/**
 * How soon what was published can be seen: messages carry their moment of sending as `ts`, so the age
 * of a row when it comes out of a feed is the way through the whole system (one machine, one clock).
 */
import { Latencies } from '../load/latency.ts';

export interface Watching {
  readonly latencies: Latencies;
  stop(): Promise<void>;
}

/** Follows `/live` and ages every change as it arrives. */
export async function watchLive(api: string): Promise<Watching> {
  const latencies = new Latencies();
  const stopping = new AbortController();
  const answer = await fetch(`${api}/api/v1/live?after=now`, { signal: stopping.signal });
  if (!answer.ok || answer.body === null) throw new Error(`/live answered ${answer.status}`);
  const decoder = new TextDecoder();
  const body = answer.body;
  const time = /"phenomenonTime":"([^"]+)"/g;
  const run = async (): Promise<void> => {
    for await (const chunk of body) {
      const now = Date.now();
      for (const [, text = ''] of decoder
        .decode(chunk as Uint8Array, { stream: true })
        .matchAll(time)) {
        latencies.add(now - Date.parse(text));
      }
    }
  };
  const ended = run().catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error;
  });
  return {
    latencies,
    async stop() {
      stopping.abort();
      await ended;
    },
  };
}

/** Polls one datastream of one station until a newer row is there, again and again. */
export function watchRest(api: string, station: string, property: string): Watching {
  const latencies = new Latencies();
  let open = true;
  let lastAt = 0;
  const run = async (): Promise<void> => {
    while (open) {
      const answer = await fetch(`${api}/api/v1/latest?station=${station}&property=${property}`);
      const { items } = (await answer.json()) as {
        items: readonly { readonly phenomenonTime: string }[];
      };
      const at = Date.parse(items[0]?.phenomenonTime ?? '');
      if (at > lastAt) {
        if (lastAt > 0) latencies.add(Date.now() - at);
        lastAt = at;
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  const ended = run();
  return {
    latencies,
    async stop() {
      open = false;
      await ended;
    },
  };
}
