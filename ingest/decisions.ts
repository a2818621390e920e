/**
 * Records that are no device's message: markers, replays and decisions of a person or a job. Their
 * payload is a JSON object.
 *
 *   registry: {"version": 7}
 *   replay:   {"position": 1234, "version": 7}
 *   decision: {"decision": "dismiss", "position": 1234, "channel": "t" | null, "reason": "…", "actor": "…"}
 *   decision: {"decision": "erase", "device": "d" | null, "owner": "o" | null, "series": 7 | null,
 *              "fromAt": ms | null, "toAt": ms | null, "upTo": 1234, "reason": "…", "actor": "…"}
 *   decision: {"decision": "reprocess", …}: `reprocess-step.ts`
 */
import { z } from 'zod';
import { reprocessStep, type ReprocessStep } from './reprocess-step.ts';

const position = z.int().min(1);
const textMax = 500;

const marker = z.object({ version: z.int().min(1) });
const replay = z.object({
  position,
  /** Of a reprocess: only while this version of the registry is in force. */
  version: z.int().min(1).optional(),
});
export type Replay = z.infer<typeof replay>;

const dismissal = z.object({
  decision: z.literal('dismiss'),
  position,
  /** Null or absent: every open entry of the reading. */
  channel: z.string().nullish(),
  reason: z.string().max(textMax).default(''),
  actor: z.string().max(textMax).default(''),
});

/** With a series it deletes; without one it records what was asked, once for an erasure. */
const erasure = z.object({
  decision: z.literal('erase'),
  device: z.string().nullable(),
  owner: z.string().nullable(),
  series: z.int().min(0).nullable(),
  /** On the end of phenomenon time: from inclusive, to exclusive. */
  fromAt: z.int().nullable(),
  toAt: z.int().nullable(),
  /** Only what came from readings up to here. */
  upTo: position.optional(),
  reason: z.string().max(textMax),
  actor: z.string().max(textMax),
});
export type ErasureDecision = z.infer<typeof erasure>;
export type Dismissal = z.infer<typeof dismissal>;

const decision = z.discriminatedUnion('decision', [dismissal, erasure, reprocessStep]);

/** The registry version that a marker names, or undefined where it names none. */
export function markedVersion(text: string): number | undefined {
  return parse(marker, text)?.version;
}

/** Which reading a replay offers again. */
export function parseReplay(text: string): Replay | undefined {
  return parse(replay, text);
}

export function parseDecision(
  text: string,
): Dismissal | ErasureDecision | ReprocessStep | undefined {
  return parse(decision, text);
}

function parse<Shape>(schema: z.ZodType<Shape>, text: string): Shape | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Not JSON is not understood either: the caller quarantines the record with its bytes.
    return undefined;
  }
  const parsed = schema.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}
