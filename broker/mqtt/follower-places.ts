/**
 * Who may follow the changes at once. Only clients that are there count; those without a key have
 * room of their own, so that they can take none from keys, and so has each of them.
 */
import { clientNetwork } from '../../devices/client-network.ts';
import { principalKey } from '../authenticate.ts';
import type { Requester } from '../authorize.ts';

export interface FollowerBounds {
  readonly changesFollowersMax: number;
  readonly changesFollowersKeylessMax: number;
  readonly changesFollowersPerClientMax: number;
}

export interface FollowerPlaces {
  hasRoom(requester: Requester): boolean;
  /** Calls `begin` at once, or when there is room; returns the way to leave. */
  enter(requester: Requester, begin: () => void): () => void;
}

interface Waiting {
  readonly requester: Requester;
  readonly begin: () => void;
}

export function createFollowerPlaces(bounds: FollowerBounds): FollowerPlaces {
  const byClient = new Map<string, number>();
  const waiting = new Set<Waiting>();
  let all = 0;
  let keyless = 0;

  function hasRoom(requester: Requester): boolean {
    const isKeyless = requester.principal === 'anonymous';
    return (
      all < bounds.changesFollowersMax &&
      (!isKeyless || keyless < bounds.changesFollowersKeylessMax) &&
      (byClient.get(clientOf(requester)) ?? 0) < bounds.changesFollowersPerClientMax
    );
  }

  /** Counted as it was when it came, whatever its requester is by then. */
  function count({ principal }: Requester, client: string, by: 1 | -1): void {
    all += by;
    if (principal === 'anonymous') keyless += by;
    const total = (byClient.get(client) ?? 0) + by;
    if (total === 0) byClient.delete(client);
    else byClient.set(client, total);
  }

  function letIn(): void {
    for (const each of waiting) {
      if (all >= bounds.changesFollowersMax) return;
      if (!hasRoom(each.requester)) continue;
      waiting.delete(each);
      each.begin();
    }
  }

  return {
    hasRoom,
    enter(requester, begin) {
      const client = clientOf(requester);
      let isIn = false;
      let isLeft = false;
      const enter = (): void => {
        isIn = true;
        count(requester, client, 1);
        begin();
      };
      const wait: Waiting = { requester, begin: enter };
      if (hasRoom(requester)) enter();
      else waiting.add(wait);
      return () => {
        if (isLeft) return;
        isLeft = true;
        waiting.delete(wait);
        if (!isIn) return;
        count(requester, client, -1);
        letIn();
      };
    },
  };
}

function clientOf({ principal, address = '' }: Requester): string {
  return principal === 'anonymous'
    ? `at ${clientNetwork(address) ?? address}`
    : principalKey(principal);
}
