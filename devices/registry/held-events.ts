import type { DevicesEvents } from '../events.ts';

/** Events that are told later, or never: those of a change on trial. */
export interface HeldEvents {
  readonly events: DevicesEvents | undefined;
  /** What was held since, to be told; nothing is held then. */
  take(): () => void;
}

export function holdEvents(events: DevicesEvents | undefined): HeldEvents {
  let held: (() => void)[] = [];
  const hold = (tell: () => void): void => void held.push(tell);
  return {
    events: events && {
      registryOpened: (fields) => hold(() => events.registryOpened(fields)),
      registryMigrated: (fields) => hold(() => events.registryMigrated(fields)),
      importAccepted: (fields) => hold(() => events.importAccepted(fields)),
      importRefused: (problems, actor) => hold(() => events.importRefused(problems, actor)),
      secretsIssued: (fields) => hold(() => events.secretsIssued(fields)),
      accessDecided: (fields) => hold(() => events.accessDecided(fields)),
      recipientClosed: (fields) => hold(() => events.recipientClosed(fields)),
      timeFollowed: (fields) => hold(() => events.timeFollowed(fields)),
      tokenCreated: (fields) => hold(() => events.tokenCreated(fields)),
      certificateUnpinned: (fields) => hold(() => events.certificateUnpinned(fields)),
      certificatePinned: (fields) => hold(() => events.certificatePinned(fields)),
      subjectRevoked: (fields) => hold(() => events.subjectRevoked(fields)),
    },
    take() {
      const taken = held;
      held = [];
      return () => {
        for (const tell of taken) tell();
      };
    },
  };
}
