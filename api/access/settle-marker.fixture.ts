import type { TestApi } from '../api.fixture.ts';

/** Ingest's answer to the newest marker. */
export async function settleMarker(rig: TestApi): Promise<void> {
  const text = Buffer.from(rig.appended.at(-1)?.payload ?? []).toString();
  const marker = {
    position: 1,
    receivedAt: rig.now(),
    device: '',
    kind: 'registry',
    text,
  } as const;
  await rig.publish([], { control: [marker] });
}
