import { hash } from 'node:crypto';
import type { DevicesConfig } from '../config.ts';
import { devicesError } from '../errors.ts';
import type { DevicesEvents } from '../events.ts';
import type { Random } from '../random.ts';
import type { DeviceSecret, Registry, RegistryWriter } from '../registry.ts';
import type { Change, Draft } from './change.ts';
import type { CredentialStore, ValidCredential } from './credential-store.ts';
import { fingerprintBytes } from './credentials.ts';

/** What makes and ends credentials. A secret leaves here once, in the answer, and is kept nowhere. */
export type CredentialWriter = Pick<
  RegistryWriter,
  'provision' | 'pinCertificate' | 'unpinCertificate' | 'createToken' | 'revoke'
>;

interface Issuing {
  readonly store: CredentialStore;
  readonly change: Change;
  readonly random: Random;
  readonly config: DevicesConfig;
  readonly events: DevicesEvents | undefined;
  /** The newest version: inside a change, the one that the change is made on. */
  readonly registry: () => Registry;
  readonly isToken: (id: string) => boolean;
}

export function createCredentialWriter(issuing: Issuing): CredentialWriter {
  return {
    provision: (deviceIds, options) => provision(issuing, deviceIds, options),
    pinCertificate: (deviceId, fingerprint256, actor) =>
      pinCertificate(issuing, { deviceId, fingerprint256, actor }),
    unpinCertificate: (fingerprint256, actor) => unpinCertificate(issuing, fingerprint256, actor),
    createToken: (options) => createToken(issuing, options),
    revoke: (subject, actor) => revoke(issuing, subject, actor),
  };
}

function provision(
  issuing: Issuing,
  deviceIds: readonly string[],
  { rotate, actor }: { readonly rotate: boolean; readonly actor: string },
): DeviceSecret[] {
  let rotated = 0;
  const secrets = issuing.change(actor, (draft) => {
    checkDevices(issuing, deviceIds);
    return [...new Set(deviceIds)].map((deviceId) => {
      // A device whose secret was revoked "had one": only a rotation opens its door again.
      const had = issuing.store.wasIssued(deviceId);
      if (had && !rotate) return deviceSecret(issuing, deviceId, null);
      if (had) rotated += 1;
      return deviceSecret(issuing, deviceId, issueSecret(issuing, draft, deviceId));
    });
  });
  const given = secrets.filter(({ password }) => password !== null).length;
  if (given > 0) issuing.events?.secretsIssued({ issued: given - rotated, rotated, actor });
  return secrets;
}

function issueSecret(issuing: Issuing, draft: Draft, deviceId: string): string {
  const earlier = issuing.store.valid(deviceId, 'device', draft.at);
  endEarlier(issuing, draft, earlier);
  const secret = newSecret(issuing);
  issuing.store.insert({
    kind: 'device',
    subject: deviceId,
    role: 'device',
    owner: undefined,
    sha256: hash('sha256', secret, 'buffer'),
    issuedAt: draft.at,
    version: draft.version,
  });
  const before = earlier[0] === undefined ? null : { issuedAt: earlier[0].issuedAt };
  draft.record({ kind: 'credential', id: deviceId, before, after: { issuedAt: draft.at } });
  return secret;
}

/** Two valid at most: the newest of the earlier ones ends after the overlap, the others at once. */
function endEarlier(
  { store, config }: Issuing,
  draft: Draft,
  earlier: readonly ValidCredential[],
): void {
  const endAt = draft.at + config.credentialOverlapHours * 3_600_000;
  for (const [index, { number, expiresAt }] of earlier.entries()) {
    if (index > 0 || endAt <= draft.at) store.revoke(number, draft.at, draft.version);
    else store.expire(number, Math.min(endAt, expiresAt ?? endAt), draft.version);
  }
}

function pinCertificate(
  issuing: Issuing,
  pin: { readonly deviceId: string; readonly fingerprint256: string; readonly actor: string },
): void {
  const { deviceId, actor } = pin;
  const sha256 = fingerprintBytes(pin.fingerprint256);
  if (sha256 === undefined) throw devicesError('DEVICES_CERTIFICATE_INVALID', { deviceId });
  const isNew = issuing.change(actor, (draft) => {
    checkDevices(issuing, [deviceId]);
    const holder = issuing.store.pinned(sha256)?.subject;
    if (holder === deviceId) return false;
    if (holder !== undefined) throw devicesError('DEVICES_CERTIFICATE_TAKEN', { deviceId, holder });
    issuing.store.insert({
      kind: 'certificate',
      subject: deviceId,
      role: 'device',
      owner: undefined,
      sha256,
      issuedAt: draft.at,
      version: draft.version,
    });
    const after = { fingerprint256: Buffer.from(sha256).toString('hex'), issuedAt: draft.at };
    draft.record({ kind: 'certificate', id: deviceId, before: null, after });
    return true;
  });
  if (isNew) issuing.events?.certificatePinned({ deviceId, actor });
}

function unpinCertificate(issuing: Issuing, fingerprint256: string, actor: string): void {
  const sha256 = fingerprintBytes(fingerprint256);
  if (sha256 === undefined) throw devicesError('DEVICES_CERTIFICATE_INVALID');
  const deviceId = issuing.change(actor, (draft) => {
    const pinned = issuing.store.pinned(sha256);
    if (pinned === undefined) throw devicesError('DEVICES_CERTIFICATE_UNKNOWN', { fingerprint256 });
    const { number, subject, issuedAt } = pinned;
    issuing.store.revoke(number, draft.at, draft.version);
    const before = { fingerprint256: Buffer.from(sha256).toString('hex'), issuedAt };
    const after = { ...before, revokedAt: draft.at };
    draft.record({ kind: 'certificate', id: subject, before, after });
    return subject;
  });
  issuing.events?.certificateUnpinned({ deviceId, actor });
}

function createToken(
  issuing: Issuing,
  { role, actor, owner, recipient }: Parameters<RegistryWriter['createToken']>[0],
): { readonly id: string; readonly secret: string } {
  // The prefix lets scanners of source code know a leaked token.
  const secret = `qtk_${newSecret(issuing)}`;
  const id = `token-${Buffer.from(issuing.random.bytes(10)).toString('hex')}`;
  issuing.change(actor, (draft) => {
    if (owner !== undefined && !issuing.registry().owners.has(owner)) {
      throw devicesError('DEVICES_OWNER_UNKNOWN', { owner });
    }
    if (recipient !== undefined) checkRecipient(issuing, role, recipient);
    issuing.store.insert({
      kind: 'token',
      subject: id,
      role,
      owner,
      recipient,
      sha256: hash('sha256', secret, 'buffer'),
      issuedAt: draft.at,
      version: draft.version,
    });
    const after = {
      role,
      ...(owner === undefined ? {} : { owner }),
      ...(recipient === undefined ? {} : { recipient }),
      issuedAt: draft.at,
    };
    draft.record({ kind: 'token', id, before: null, after });
  });
  issuing.events?.tokenCreated({ id, role, actor });
  return { id, secret };
}

function checkRecipient({ registry }: Issuing, role: string, recipient: string): void {
  if (!registry().access.recipients.has(recipient)) {
    throw devicesError('DEVICES_RECIPIENT_UNKNOWN', { recipient });
  }
  if (role !== 'reader') throw devicesError('DEVICES_TOKEN_ROLE', { role, recipient });
}

function revoke(issuing: Issuing, subject: string, actor: string): void {
  const ended = issuing.change(actor, (draft) => {
    if (!issuing.registry().devices.has(subject) && !issuing.isToken(subject)) {
      throw devicesError('DEVICES_SUBJECT_UNKNOWN', { subject });
    }
    return endSecrets(issuing.store, draft, subject);
  });
  if (ended > 0) issuing.events?.subjectRevoked({ subject, actor });
}

/** Ends everything valid of a subject; answers how many that was. */
export function endSecrets(store: CredentialStore, draft: Draft, subject: string): number {
  let count = 0;
  for (const kind of ['device', 'certificate', 'token'] as const) {
    for (const { number, issuedAt } of store.valid(subject, kind, draft.at)) {
      store.revoke(number, draft.at, draft.version);
      draft.record({
        kind: kind === 'device' ? 'credential' : kind,
        id: subject,
        before: { issuedAt },
        after: { issuedAt, revokedAt: draft.at },
      });
      count += 1;
    }
  }
  return count;
}

function checkDevices(issuing: Issuing, deviceIds: readonly string[]): void {
  const { devices } = issuing.registry();
  const unknown = deviceIds.filter((id) => !devices.has(id));
  if (unknown.length > 0) throw devicesError('DEVICES_DEVICE_UNKNOWN', { deviceIds: unknown });
}

function newSecret({ random, config }: Issuing): string {
  return Buffer.from(random.bytes(config.credentialBytes)).toString('base64url');
}

function deviceSecret(issuing: Issuing, deviceId: string, password: string | null): DeviceSecret {
  return {
    deviceId,
    clientId: issuing.registry().devices.get(deviceId)?.clientId ?? deviceId,
    username: deviceId,
    password,
    topic: `env/v1/${deviceId}/obs`,
  };
}
