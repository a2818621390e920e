/** What the control socket answers: each question is passed to the room that owns the matter. */
import type { ControlHandlers } from './control.ts';
import type { DataFolder } from './data-folder.ts';
import type { Addresses, Rooms } from './server.ts';

export interface ControlParts {
  readonly rooms: Rooms;
  readonly addresses: Addresses;
  readonly folder: DataFolder;
}

export function controlHandlers({ rooms, addresses, folder }: ControlParts): ControlHandlers {
  return {
    addresses: async () => addresses,
    identity: async () => folder.identity,
    provision: (argument: unknown) => rooms.api.call('provision', argument),
    createToken: (argument: unknown) => rooms.api.call('createToken', argument),
    revoke: (argument: unknown) => rooms.api.call('revoke', argument),
  };
}
