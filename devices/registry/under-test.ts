import type { ManualClock } from '../clock-manual.ts';
import type { DeviceSecret, ImportOutcome, RegistryReader, RegistryWriter } from '../registry.ts';

/** An empty registry, its clock (starting anywhere) and readers of it as other workers hold them. */
export interface RegistryUnderTest {
  readonly writer: RegistryWriter;
  readonly clock: ManualClock;
  openReader(): RegistryReader;
  /** How long the earlier secret works after a rotation. */
  readonly overlapMs: number;
  /** Takes everything away; the writer and the readers may be closed already. */
  remove(): void;
}

/** A fingerprint as certificates have it. */
export const fingerprint = 'ab'.repeat(32);

/** A new secret of a device that must get one. */
export function secretOf(
  { writer }: RegistryUnderTest,
  deviceId: string,
  rotate = false,
): DeviceSecret & { readonly password: string } {
  const [secret] = writer.provision([deviceId], { rotate, actor: 'ann' });
  const password = secret?.password ?? undefined;
  if (secret === undefined || password === undefined) throw new Error(`${deviceId} got no secret`);
  return { ...secret, password };
}

export function accepted(outcome: ImportOutcome): ImportOutcome & { readonly ok: true } {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.problems));
  return outcome;
}
