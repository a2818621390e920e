/**
 * What the control socket of a cluster's node answers: what concerns the registry, where the process
 * has an api. What concerns the folders of one machine is refused by name: a node's folder is no
 * whole platform.
 */
import type { Configuration } from './configuration.ts';
import type { ControlHandlers } from './control.ts';
import type { DataFolder } from './data-folder.ts';
import { startError } from './errors.ts';
import type { Room } from './open-room.ts';
import type { Addresses } from './server.ts';

export interface NodeControlParts {
  readonly api: Room | undefined;
  /** Where both logs of the node are; undefined on a worker alone, which has none. */
  readonly link: Room | undefined;
  readonly addresses: Addresses;
  readonly folder: DataFolder;
  readonly role: Configuration['role'];
}

const ofTheApi = [
  'makeManifest',
  'provision',
  'createToken',
  'grants',
  'access',
  'revoke',
  'pinCertificate',
  'unpinCertificate',
] as const;
const ofOneMachine = ['balance', 'backup', 'erase', 'reprocess', 'append'] as const;

export function nodeControlHandlers({
  api,
  link,
  addresses,
  folder,
  role,
}: NodeControlParts): ControlHandlers {
  const handlers: Record<string, (argument: unknown) => Promise<unknown>> = {
    addresses: async () => addresses,
    identity: async () => folder.identity,
    durableEnds: async () => link?.call('durableEnds') ?? { readings: 0, observations: 0 },
  };
  for (const name of ofTheApi) {
    handlers[name] = async (argument) => {
      if (api === undefined) throw startError('START_NODE_WITHOUT_API', { command: name, role });
      return api.call(name, argument);
    };
  }
  for (const name of ofOneMachine) {
    handlers[name] = async () => {
      throw startError('START_NOT_IN_CLUSTER', { command: name });
    };
  }
  return handlers;
}
