/**
 * The keys of manifests. The private ones stand in one file of mode 0600 beside `feeds.db`, which
 * knows of each public one from which manifest on it signs. A new key is announced in a manifest that
 * the old one signs, so that whoever trusts the old one can trust the new one. A private key leaves
 * the file when another has signed in its place.
 */
import type { Database } from '../../devices/database.ts';
import type { Random } from '../../devices/random.ts';
import {
  makeSigningKey,
  publicKeyOf,
  readSigningKey,
  type PublicKey,
  type SigningKey,
} from '../../proof/key.ts';
import { apiError } from '../errors.ts';
import type { ManifestEvents } from './events.ts';
import type { SecretFile } from './secret-file.ts';

export interface ManifestKeys {
  /** The key that signs the manifest with this number; API_SIGNING_KEY_LOST where it is not here. */
  signerOf(sequence: number): SigningKey;
  /** The key that signs from the next manifest on, where that is another than of this one. */
  announcedIn(sequence: number): PublicKey | undefined;
  /** Has a new key sign from the manifest behind this one on; it is announced in this one. */
  rotate(sequence: number): void;
  /** Takes private keys out of the file that sign nothing from this manifest on. */
  forgetBefore(sequence: number): void;
  /** Every public key, oldest first, with the first manifest that it signs. */
  all(): readonly { readonly key: PublicKey; readonly since: number }[];
}

export interface ManifestKeysOptions {
  readonly kept: Database;
  readonly secrets: SecretFile;
  readonly random: Random;
  readonly events: ManifestEvents;
}

const seedBytes = 32;

export function openManifestKeys({
  kept,
  secrets,
  random,
  events,
}: ManifestKeysOptions): ManifestKeys {
  const held = readSecrets(secrets);
  const insert = kept.prepare('INSERT INTO manifest_key (kid, x, since) VALUES (?, ?, ?)');
  const select = kept.prepare('SELECT x, since FROM manifest_key ORDER BY since');

  const all = () =>
    select
      .all()
      .map((row) => ({ key: publicKeyOf(String(row['x'])), since: Number(row['since']) }));

  /** In the file first: a key that is known and cannot sign would stop the chain. */
  function add(since: number): void {
    const given = since === 1 ? held.at(-1) : undefined;
    const made = given ?? makeSigningKey(random.bytes(seedBytes));
    if (given === undefined) held.push(made);
    secrets.write(held.map(({ pem }) => pem).join(''));
    insert.run(made.publicKey.kid, made.publicKey.x, since);
    events.keyMade(made.publicKey.kid);
  }

  const ofManifest = (sequence: number): PublicKey | undefined =>
    all().findLast(({ since }) => since <= sequence)?.key;

  if (all().length === 0) add(1);
  return {
    all,
    signerOf(sequence) {
      const wanted = ofManifest(sequence)?.kid;
      const found = held.find(({ publicKey }) => publicKey.kid === wanted);
      if (found === undefined) throw apiError('API_SIGNING_KEY_LOST', { kid: wanted });
      return found;
    },
    announcedIn: (sequence) => all().find(({ since }) => since === sequence + 1 && since > 1)?.key,
    rotate(sequence) {
      if (all().some(({ since }) => since === sequence + 1)) return;
      add(sequence + 1);
    },
    forgetBefore(sequence) {
      const known = all();
      const used = new Set(known.filter(({ since }) => since > sequence).map(({ key }) => key.kid));
      const current = ofManifest(sequence);
      if (current !== undefined) used.add(current.kid);
      const left = held.filter(({ publicKey }) => used.has(publicKey.kid));
      if (left.length === held.length || left.length === 0) return;
      held.splice(0, held.length, ...left);
      secrets.write(held.map(({ pem }) => pem).join(''));
    },
  };
}

function readSecrets(secrets: SecretFile): SigningKey[] {
  const text = secrets.read() ?? '';
  const blocks = text.match(/-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n?/g) ?? [];
  return blocks.map((pem) => readSigningKey(pem));
}
