/**
 * Requests for access, decisions and recipients, as plain functions: the routes and the control
 * socket call the same. Everything is a version of the registry, with who and why in its history.
 */
import type { Applicant, Grant, GrantScope, GrantState, Recipient } from '../../devices/access.ts';
import type { Clock } from '../../devices/clock.ts';
import type { Random } from '../../devices/random.ts';
import { newGrantId } from '../../devices/registry/access-wish.ts';
import type { AccessDecision, RegistryReader } from '../../devices/registry.ts';
import { imported, type Changed, type RegistryAdmin } from '../admin/registry.ts';
import type { ApiConfig } from '../config.ts';
import { isSecretOf, newRequest } from './request-secret.ts';

export interface AccessAdminOptions {
  readonly registry: Pick<RegistryReader, 'current'>;
  readonly registryAdmin: Pick<RegistryAdmin, 'change' | 'createToken'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly config: ApiConfig;
}

export interface AccessWish {
  readonly recipient?: string | undefined;
  readonly applicant?: Applicant | undefined;
  readonly scope: GrantScope;
  readonly purpose: string;
}

export type Decided = Changed & { readonly grant: Grant };

export interface AccessAdmin {
  /** Within the bounds of the configuration. The secret is shown this once. */
  request(wish: AccessWish, actor: string): Promise<Decided & { readonly secret: string }>;
  /** For who asked: undefined unless the secret is that of the request. */
  ofSecret(id: string, secret: string): Grant | undefined;
  find(id: string): Grant | undefined;
  /** Those asked for last come first. */
  list(filter: {
    readonly state?: GrantState | undefined;
    readonly recipient?: string | undefined;
  }): readonly Grant[];
  decide(decision: AccessDecision): Promise<Decided>;
  withdraw(id: string, reason: string, actor: string): Promise<Decided>;
  /** Without a request before it. */
  grant(
    wish: AccessWish & { readonly recipient: string },
    decision: Omit<AccessDecision, 'id' | 'decision'>,
  ): Promise<Decided>;
  recipients(): readonly Recipient[];
  putRecipient(recipient: Recipient, actor: string): Promise<Changed>;
  /** Ends everything that it was given. */
  closeRecipient(
    id: string,
    reason: string,
    actor: string,
  ): Promise<Changed & { readonly grants: number; readonly keys: number }>;
  /** A key of the recipient, shown this once. */
  issueKey(
    recipient: string,
    actor: string,
  ): Promise<Changed & { readonly id: string; readonly secret: string }>;
}

const dayMs = 86_400_000;

export function createAccessAdmin(options: AccessAdminOptions): AccessAdmin {
  const { registry, registryAdmin, clock, random, config } = options;
  const access = () => registry.current().access;

  async function decided(
    actor: string,
    work: Parameters<typeof registryAdmin.change<Grant>>[1],
  ): Promise<Decided> {
    const { result: grant, ...changed } = await registryAdmin.change(actor, work);
    return { ...changed, grant };
  }

  return {
    async request(wish, actor) {
      const { id, secret } = newRequest(random);
      const request = {
        ...given(wish),
        id,
        requestedBy: actor,
        deadlineAt: clock.now() + config.accessDecisionDays * dayMs,
        bounds: {
          openMax: config.accessRequestsOpenMax,
          applicantsPerDayMax: config.accessRequestsPerDayMax,
        },
      };
      return { ...(await decided(actor, (writer) => writer.requestAccess(request))), secret };
    },
    ofSecret: (id, secret) => (isSecretOf(id, secret) ? access().grants.get(id) : undefined),
    find: (id) => access().grants.get(id),
    list: ({ state, recipient }) =>
      [...access().grants.values()]
        .filter(
          (grant) =>
            (state === undefined || grant.state === state) &&
            (recipient === undefined || grant.recipient === recipient),
        )
        .sort((a, b) => (a.requestedAt < b.requestedAt ? 1 : -1)),
    decide: (decision) => decided(decision.actor, (writer) => writer.decideAccess(decision)),
    withdraw: (id, reason, actor) =>
      decided(actor, (writer) => writer.withdrawAccess(id, reason, actor)),
    grant: (wish, decision) => {
      const id = newGrantId(random);
      const request = { ...given(wish), id, requestedBy: decision.actor };
      return decided(decision.actor, (writer) => writer.grantAccess(request, decision));
    },
    recipients: () => [...access().recipients.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
    async putRecipient(recipient, actor) {
      const content = { format: 'quantrac-registry/1', recipients: [recipient] };
      const { result: _outcome, ...changed } = await registryAdmin.change(actor, (writer) =>
        imported(writer, content, actor),
      );
      return changed;
    },
    async closeRecipient(id, reason, actor) {
      const { result, ...changed } = await registryAdmin.change(actor, (writer) =>
        writer.closeRecipient(id, reason, actor),
      );
      return { ...changed, ...result };
    },
    issueKey: (recipient, actor) => registryAdmin.createToken({ role: 'reader', recipient, actor }),
  };
}

function given({ recipient, applicant, scope, purpose }: AccessWish) {
  return {
    ...(recipient === undefined ? {} : { recipient }),
    ...(applicant === undefined ? {} : { applicant }),
    scope,
    purpose,
  };
}
