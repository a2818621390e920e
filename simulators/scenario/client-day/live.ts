/** One stream of server-sent events, as the HTML standard frames them, until it ends or is let go. */

export interface LiveEvent {
  /** The cursor behind it; empty where the event has none. */
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

export interface LiveAnswer {
  readonly status: number;
  readonly text: string;
}

/**
 * Resolves to a refusal, or to undefined where a stream was given and has ended, however that came
 * about. Events are taken one after the other.
 */
export async function readLive(
  url: string,
  signal: AbortSignal,
  take: (event: LiveEvent) => Promise<void>,
): Promise<LiveAnswer | undefined> {
  const answer = await comesToNothing(fetch(url, { signal }));
  if (answer === undefined) return undefined;
  const { status, body } = answer;
  if (status !== 200 || body === null) {
    const text = await comesToNothing(answer.text());
    return text === undefined ? undefined : { status, text };
  }
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const chunk = await comesToNothing(reader.read());
    if (chunk?.value === undefined) return undefined;
    const blocks = (rest + chunk.value).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = eventOf(block);
      if (event.data !== '') await take(event);
    }
  }
}

/** The stream broke, or was let go: what came until then counts, and a half event does not. */
async function comesToNothing<Value>(promise: Promise<Value>): Promise<Value | undefined> {
  try {
    return await promise;
  } catch (error) {
    const isOfStream = error instanceof TypeError || error instanceof DOMException;
    if (!isOfStream) throw error;
    return undefined;
  }
}

function eventOf(block: string): LiveEvent {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).replace(/^ /, ''));
  }
  const [id = '', event = 'message', data = ''] = ['id', 'event', 'data'].map((name) =>
    fields.get(name),
  );
  return { id, event, data };
}
