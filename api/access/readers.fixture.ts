/** Everybody of the matrix on a server of a test: the network, the grants, and a key for each. */
import { startAt, type TestApi } from '../api.fixture.ts';
import { canaries, type PrincipalName } from './canaries.fixture.ts';

export type Keys = Readonly<Record<PrincipalName, string | undefined>>;

export async function admitAll(rig: TestApi): Promise<Keys> {
  const { registry } = rig;
  await rig.api.registryAdmin.importRegistry(canaries.network, 'test');
  for (const { to, scope, end } of canaries.grants) {
    if (end !== 'granted') continue;
    const wish = { recipient: to, scope, purpose: 'x' };
    await rig.api.access.grant(wish, { reason: 'x', actor: 'test' });
  }
  const create = (of: object) =>
    registry.createToken({ role: 'reader', actor: 'test', ...of }).secret;
  const text = JSON.stringify({ version: registry.current().version });
  const marker = { position: 1, receivedAt: startAt, device: '', kind: 'registry', text } as const;
  await rig.publish([], { control: [marker] });
  return {
    anonymous: undefined,
    reader: rig.reader,
    recipient: create({ recipient: canaries.reading }),
    'other recipient': create({ recipient: canaries.other }),
    owner: create({ owner: canaries.firm }),
    operator: rig.operator,
  };
}

/** One row of every datastream that somebody may not see, with all that tells of it. */
export function canaryRows(rig: TestApi) {
  return [...canaries.results].map(([datastream, { result, sent }]) =>
    rig.row(datastream, startAt, {
      result,
      device: sent,
      raw: { name: sent, value: String(result), unit: null, time: null },
    }),
  );
}

/** What a text tells that this principal may not know. */
export function leaksTo(principal: PrincipalName, text: string): readonly string[] {
  return canaries.things
    .filter(({ seenBy }) => !seenBy.has(principal))
    .filter(({ canaries: marks }) => marks.some((mark) => text.includes(mark)))
    .map(({ what }) => what);
}
