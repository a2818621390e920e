/** One stream of server-sent events of `/live`, from its opening until it ends (HTML Living Standard §9.2). */

export interface LiveEvent {
  /** The cursor behind it. */
  readonly id: string;
  /** One change as JSON; empty where only the cursor moved on. */
  readonly data: string;
}

export interface LiveOptions {
  /** Stations, or all. */
  readonly stations?: readonly string[];
  /** A cursor, or `now`. */
  readonly after: string;
  readonly signal: AbortSignal;
}

/** Calls `take` for each event in order; resolves when the server ends the stream, rejects when it breaks. */
export async function readLive(
  api: string,
  { stations, after, signal }: LiveOptions,
  take: (event: LiveEvent) => void,
): Promise<void> {
  const filter = stations === undefined ? '' : `?station=${stations.join(',')}`;
  const headers = after === 'now' ? {} : { 'last-event-id': after };
  const { body, ok, status } = await fetch(`${api}/api/v1/live${filter}`, { headers, signal });
  if (!ok || body === null) throw new Error(`/live answered ${status}`);
  const decoder = new TextDecoder();
  let rest = '';
  let id = after;
  for await (const chunk of body) {
    const blocks = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      id = fieldOf(block, 'id') ?? id;
      take({ id, data: fieldOf(block, 'data') ?? '' });
    }
  }
}

function fieldOf(block: string, name: string): string | undefined {
  const line = block.split('\n').find((one) => one.startsWith(`${name}:`));
  return line?.slice(name.length + 1).trimStart();
}
