/** Client certificates of devices: pinned to one device each, here or in the running server. */
import { existsSync, readFileSync } from 'node:fs';
import type { Command } from './command-line.ts';
import { askOrOpen } from './commands-registry.ts';
import { readConfiguration } from './configuration.ts';
import { fingerprintOf } from './devices/certificate.ts';
import { startError } from './errors.ts';

const actor = 'operator (command line)';

/** Prints one JSON line of what was done. */
export async function certificateCommand({ arguments: words, flags }: Command): Promise<number> {
  const configuration = readConfiguration({ flags, environment: process.env });
  const [action, ...rest] = words;
  const [device, given] = action === 'pin' ? rest : [undefined, rest[0]];
  const isWhole = action === 'pin' ? rest.length === 2 : action === 'unpin' && rest.length === 1;
  if (!isWhole || given === undefined)
    throw startError('START_USAGE', {
      command: 'certificate',
      accepted: ['pin DEVICE FILE|FINGERPRINT', 'unpin FILE|FINGERPRINT'],
    });
  const certificate = fingerprintOf(existsSync(given) ? readFileSync(given, 'utf8') : given);
  const question = device === undefined ? 'unpinCertificate' : 'pinCertificate';
  await askOrOpen<unknown>(configuration, [question, { device, certificate }], (registry) =>
    device === undefined
      ? registry.unpinCertificate(certificate, actor)
      : registry.pinCertificate(device, certificate, actor),
  );
  const told = { fingerprint256: certificate };
  process.stdout.write(
    `${JSON.stringify(device === undefined ? { unpinned: true, ...told } : { deviceId: device, ...told })}\n`,
  );
  return 0;
}
