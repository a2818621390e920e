import { describe, expect, test } from 'vitest';
import { nodeControlHandlers } from './control-handlers-cluster.ts';
import type { DataFolder } from './data-folder.ts';
import type { Room } from './open-room.ts';

const addresses = { mqttPort: 1883, mqttWsPort: 8083, httpPort: 8080, isSecure: false };
const folder = { identity: { storeId: 's' } } as unknown as DataFolder;

/** As the socket calls them: by name, with what the command sent. */
function handlersOf({ api, link }: { readonly api?: Room; readonly link?: Room } = {}) {
  const role = api === undefined ? 'broker' : 'api';
  const handlers = nodeControlHandlers({ api, link, addresses, folder, role });
  return (name: string, argument?: unknown) =>
    handlers[name]?.(argument as never, () => undefined, Promise.resolve());
}

/** Answers with what it was asked. */
const room: Room = {
  ready: Promise.resolve(),
  ended: new Promise(() => undefined),
  call: async (name, argument) => ({ name, argument }),
  close: async () => undefined,
};

const ofTheRegistry = ['provision', 'createToken', 'revoke', 'pinCertificate', 'unpinCertificate'];

describe('the control socket of a node', () => {
  test('says where the node listens, and which folder it has', async () => {
    const ask = handlersOf();
    expect(await ask('addresses')).toEqual(addresses);
    expect(await ask('identity')).toEqual({ storeId: 's' });
  });

  test('says where the node’s logs end, also where it has none', async () => {
    expect(await handlersOf({ link: room })('durableEnds')).toEqual({ name: 'durableEnds' });
    expect(await handlersOf()('durableEnds')).toEqual({ readings: 0, observations: 0 });
  });

  test.each(ofTheRegistry)('hands %s to the api of the process', async (name) => {
    const argument = { some: 'thing' };
    expect(await handlersOf({ api: room })(name, argument)).toEqual({ name, argument });
  });

  test.each(ofTheRegistry)('refuses %s by name where the process has no api', async (name) => {
    await expect(handlersOf()(name)).rejects.toMatchObject({
      code: 'START_NODE_WITHOUT_API',
      fields: { command: name, role: 'broker' },
    });
  });

  test.each(['balance', 'backup', 'erase', 'reprocess', 'append'])(
    'refuses %s by name: a node’s folder is no whole platform',
    async (name) => {
      await expect(handlersOf({ api: room })(name)).rejects.toMatchObject({
        code: 'START_NOT_IN_CLUSTER',
        fields: { command: name },
      });
    },
  );
});
