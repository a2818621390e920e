import type { Judged } from './access/judged.ts';
import type { ApiContext } from './context.ts';

/** What another room says of itself. */
export interface RoomHealth {
  readonly room: string;
  readonly isReady: boolean;
  /** Why not, one sentence each. */
  readonly reasons: readonly string[];
  readonly [detail: string]: unknown;
}

/** A client of the doors in, as the broker describes it. */
export interface ConnectionState {
  readonly connectedAt: number;
  /** When it last sent anything. */
  readonly heardAt: number;
  readonly [detail: string]: unknown;
}

/** Who is connected now, at most so many. */
export type ReadConnections = (limit: number) => Promise<readonly ConnectionState[]>;

export type ReadHealth = () => readonly RoomHealth[] | Promise<readonly RoomHealth[]>;

export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly { readonly room: string; readonly reason: string }[];
  /**
   * What an operator must look at though everything is taken and given out: a held clock opens nothing
   * early, and a machine without this node would not be better.
   */
  readonly warnings: readonly { readonly room: string; readonly reason: string }[];
}

/** Ready when every room is, and this one has followed what was durable when it started. */
export async function readReadiness(
  context: Pick<ApiContext, 'feed'> & { readonly judged: Pick<Judged, 'warning'> },
  startEnd: number,
  readHealth: ReadHealth,
): Promise<Readiness> {
  const reasons: { room: string; reason: string }[] = [];
  for (const { room, isReady, reasons: given } of await readHealth()) {
    if (isReady) continue;
    const named = given.length > 0 ? given : ['not ready'];
    for (const reason of named) reasons.push({ room, reason });
  }
  const { feed, judged } = context;
  if (feed.problem !== null) reasons.push({ room: 'api', reason: feed.problem });
  if (feed.position < startEnd) {
    reasons.push({ room: 'api', reason: 'observations are being caught up with' });
  }
  const warning = judged.warning();
  const warnings = warning === undefined ? [] : [{ room: 'api', reason: warning }];
  return { ready: reasons.length === 0, reasons, warnings };
}
