import { errorsOf, type ErrorTable } from './devices/coded-error.ts';

/** What stops a start or a command before any room is open. Exit code 2 unless said otherwise. */
export const startErrors = {
  START_CONFIG_INVALID: {
    message: 'A configuration value is not accepted',
    meaning:
      'The named key holds a value outside what it accepts. Nothing was opened; correct the key.',
    canRetry: false,
  },
  START_NODE_WITHOUT_API: {
    message: 'This process has no api',
    meaning:
      'The registry is changed where an api runs: give the command the --data-dir of a process with the role api or all.',
    canRetry: false,
  },
  START_NOT_IN_CLUSTER: {
    message: 'The command is not for a node of a cluster',
    meaning:
      'The folder of a node is no whole platform: what is kept of readings and observations is in Kafka. `docs/operate.md` says what to do instead.',
    canRetry: false,
  },
  START_WORKERS_RUNNING: {
    message: 'Workers are writing into InfluxDB',
    meaning:
      'The view can be emptied only while no worker writes it. Nothing was changed: stop every process with the role ingest or all, then give the command again.',
    canRetry: true,
  },
  START_CONFIG_UNREADABLE: {
    message: 'The configuration file cannot be read',
    meaning: 'The file named by --config does not exist, or is not JSON with // comments.',
    canRetry: false,
  },
  START_USAGE: {
    message: 'The command is not understood',
    meaning: 'A command, flag or argument is unknown or missing. `quantrac help` lists them.',
    canRetry: false,
  },
  START_REPLAY_FILE: {
    message: 'The file cannot be replayed',
    meaning:
      'A file of records or its profile is not as it must be; nothing was registered or published. Mend the named place, or name a profile that says how to read the file (`quantrac replay --help`).',
    canRetry: false,
  },
  START_FOLDER_UNWRITABLE: {
    message: 'The data folder cannot be written',
    meaning:
      'Give the user that runs the server the right to write there, or choose another --data-dir.',
    canRetry: true,
  },
  START_FOLDER_PATH_LONG: {
    message: 'The path of the data folder is too long for its control socket',
    meaning:
      'The system bounds the path of a socket. Choose a --data-dir with a shorter path, or start in a folder above it.',
    canRetry: false,
  },
  START_FOLDER_OWNED: {
    message: 'Another Quantrac is running on this data folder',
    meaning: 'One process owns a data folder. Stop the other one, or choose another --data-dir.',
    canRetry: true,
  },
  START_FOLDER_STRANGE: {
    message: 'The data folder holds files that are not of Quantrac',
    meaning: 'Choose an empty folder, or one that Quantrac made, with --data-dir.',
    canRetry: false,
  },
  START_FOLDER_VERSION: {
    message: 'The data folder is of a version that this program does not know',
    meaning:
      'It was written by a newer Quantrac, or format.json is damaged. Nothing was changed; run that version.',
    canRetry: false,
  },
  START_PORT_IN_USE: {
    message: 'A port is in use',
    meaning:
      'Another program listens on the named port. Stop it, or choose another port (0 picks a free one).',
    canRetry: true,
  },
  START_ROOM_ENDED: {
    message: 'A part of the server ended',
    meaning:
      'A worker thread stopped; the process ends with it and a restart loses nothing. The reason is in the fields.',
    canRetry: true,
  },
  START_NOT_RUNNING: {
    message: 'No server is running on this data folder',
    meaning:
      'The command needs a running server. Start one with `quantrac run` on the same --data-dir.',
    canRetry: true,
  },
  START_FOLDER_USED: {
    message: 'The data folder is not empty',
    meaning: 'A backup is restored into a new or empty folder: name one with --data-dir.',
    canRetry: false,
  },
  START_RESTORE_UNFINISHED: {
    message: 'A restore into this data folder was cut short',
    meaning: 'The folder holds a part of a backup. Delete it and restore again.',
    canRetry: false,
  },
} as const satisfies ErrorTable;

export const startError = errorsOf(startErrors);
