/** What an operator may wish for on the command line about access, as the control socket carries it. */
import type { Grant, GrantScope } from '../access.ts';
import type { Random } from '../random.ts';
import type { AccessDecision, AccessWriter } from '../registry.ts';

export type AccessWish =
  | {
      readonly action: 'give';
      readonly id: string;
      readonly recipient: string;
      readonly scope: GrantScope;
      readonly purpose: string;
      readonly decision: Omit<AccessDecision, 'id' | 'decision'>;
    }
  | { readonly action: 'decide'; readonly decision: AccessDecision }
  | {
      readonly action: 'withdraw';
      readonly id: string;
      readonly reason: string;
      readonly actor: string;
    }
  | {
      readonly action: 'close';
      /** Of the recipient. */
      readonly id: string;
      readonly reason: string;
      readonly actor: string;
    };

export type WishAnswer = Grant | { readonly grants: number; readonly keys: number };

/** In one version. Throws as the writer does. */
export function carryOut(writer: AccessWriter, wish: AccessWish): WishAnswer {
  switch (wish.action) {
    case 'decide':
      return writer.decideAccess(wish.decision);
    case 'withdraw':
      return writer.withdrawAccess(wish.id, wish.reason, wish.actor);
    case 'close':
      return writer.closeRecipient(wish.id, wish.reason, wish.actor);
    case 'give': {
      const { id, recipient, scope, purpose, decision } = wish;
      const request = { id, recipient, scope, purpose, requestedBy: decision.actor };
      return writer.grantAccess(request, decision);
    }
  }
}

/** Of a grant that nobody asked for. */
export function newGrantId(random: Random): string {
  return `grant-${Buffer.from(random.bytes(10)).toString('hex')}`;
}
