/** What each command is for, for people: `quantrac help`, `quantrac help COMMAND`, `… --help`. */

interface CommandHelp {
  readonly synopsis: string;
  readonly purpose: string;
  /** Flags of the command's own. */
  readonly flags?: Readonly<Record<string, string>>;
}

const range = 'an RFC 3339 instant with offset';

const certificate =
  "PEM file of the server's certificate or its authority: MQTT over TLS, where the server has it, and HTTPS";

export const commandHelp: Readonly<Record<string, CommandHelp>> = {
  run: {
    synopsis: 'run [--demo|--sandbox]',
    purpose:
      'Starts the server; SIGTERM ends it. With --json the first line on standard output is ' +
      '{"event":"listening","mqttPort":…,"httpPort":…}, once everything accepts.',
    flags: {
      sandbox:
        'one station with planted corrections, deletions, late and missing values, on which to try a client; data in `sandbox`',
      demo: 'simulated stations, anonymous publishing, and 127.0.0.1 only (npm start)',
    },
  },
  provision: {
    synopsis: 'provision FILE|- [--rotate]',
    purpose:
      'Imports a registry file (-: from standard input), all or nothing, and prints one JSON line for each device: ' +
      'deviceId, clientId, username, password, topic. Every error has its JSON pointer.',
    flags: { rotate: 'a new password also for devices that have one' },
  },
  token: {
    synopsis: 'token create --role operator|reader [--owner ID] [--recipient ID] | token revoke ID',
    purpose:
      'Creates a token for the API, shown this once, or ends one at once; ' +
      'with the id of a device, every secret and certificate of the device.',
    flags: {
      role: 'operator: everything; reader: what is open, what is for the owner, what was granted',
      owner: "id of the owner whose series a reader's token shows",
      recipient: "id of the recipient by whose grants a reader's token reads",
    },
  },
  grant: {
    synopsis:
      'grant list | grant give RECIPIENT | grant accept|refuse|withdraw ID | grant close RECIPIENT',
    purpose:
      'Says who may read what is for recipients: gives a grant, decides a request, ends one at once, or ' +
      'ends all that a recipient was given, its keys too. Each has a reason, which stays in the history of ' +
      'the registry. Recipients are entries of the registry file.',
    flags: {
      owners: 'ids, with commas between; a grant covers what is in all of the lists given',
      stations: 'ids of stations',
      datastreams: 'ids of datastreams',
      properties: 'ids of observed properties',
      recipient: 'who is meant, where somebody asked who was no recipient yet',
      purpose: 'what the data are wanted for',
      reason: 'why it is decided so',
      from: 'in force from then on: an RFC 3339 instant with offset; without it, from now on',
      until: 'in force before then; without it, without end',
    },
  },
  certificate: {
    synopsis: 'certificate pin DEVICE FILE|FINGERPRINT | certificate unpin FILE|FINGERPRINT',
    purpose:
      'Lets a client certificate stand for a device, or ends one at once: a PEM file, or its ' +
      'SHA-256 fingerprint. The broker asks for certificates as broker.tlsClientCertificates says.',
  },
  config: {
    synopsis: 'config',
    purpose:
      'Prints the whole configuration, each key with its bounds and present value; defaults are ' +
      'commented out. What it prints is a file for --config.',
  },
  verify: {
    synopsis: 'verify [DIR] [--digest]',
    purpose:
      'Proves logs, view and registry of the data folder, or of DIR (a data folder or a backup), ' +
      'also while the server runs. Names each record that is wrong; then the exit code is 1.',
    flags: { digest: 'also the SHA-256 over all that the observations say' },
  },
  rebuild: {
    synopsis: 'rebuild',
    purpose:
      'Empties the view in InfluxDB of a cluster, whose workers write it again from the topic of ' +
      'observations once they are started. They must be stopped before; the doors go on.',
  },
  compare: {
    synopsis: 'compare ONE OTHER [--timed] [--parts NAME,…] [--ca FILE]',
    purpose:
      'Compares what two platforms hold, each named by the address of its reading API ' +
      '(http://127.0.0.1:8080) or by a folder (data or backup): current rows with every value kept, ' +
      'as `verify --digest` sums them up, revision numbers, hours, days, and what is newest. Names ' +
      'the first keys that differ; then the exit code is 1. Over an API, and beside one, it compares ' +
      'what anybody may see.',
    flags: {
      timed:
        'leaves out values whose message had no time to believe: each platform received it at its own',
      parts: 'what must be equal, of values, revisions, PT1H, P1D, latest; without it, all',
      ca: "PEM file of who signed the servers' certificates, where HTTPS needs it",
    },
  },
  backup: {
    synopsis: 'backup DIR',
    purpose: 'Copies everything into the new or empty folder DIR, also while the server runs.',
  },
  restore: {
    synopsis: 'restore DIR [--erasures FOLDER]',
    purpose:
      'Makes the data folder, which must be new or empty, from the backup DIR, with a new store id.',
    flags: {
      erasures: 'a newer data folder or backup: what it says was erased since is erased again',
    },
  },
  reprocess: {
    synopsis: 'reprocess [--from TIME --to TIME] [--dry-run]',
    purpose:
      'Judges the observations of a range again by the registry and the rules of now, says what ' +
      'differs, and appends only that.',
    flags: {
      from: `beginning of the range, inclusive: ${range}`,
      to: `end of the range, exclusive: ${range}`,
      'dry-run': 'only says what would change and what it needs',
    },
  },
  erase: {
    synopsis: 'erase [--device ID|--owner ID] [--from TIME --to TIME] --reason TEXT',
    purpose:
      'Blanks what devices said, for good, in logs and view; the erasure is recorded. ' +
      'Without device and owner: what all devices said of the time between both ends.',
    flags: {
      device: 'whose readings',
      owner: "all readings of the owner's devices",
      from: `only what was received or observed from then on: ${range}`,
      to: `only what was received or observed before: ${range}`,
      reason: 'why; it is kept with the erasure',
    },
  },
  manifest: {
    synopsis: 'manifest [--new-key]',
    purpose:
      'Has the running server make and sign a manifest of its open data now, beside the one of each ' +
      'UTC day.',
    flags: {
      'new-key':
        'announces a new key in it, signed by the old one, that signs from the next one on',
    },
  },
  mirror: {
    synopsis:
      'mirror URL DIR [--datastream|--station|--property|--dataset ID,…] [--key KEY] [--max-bytes N] [--follow|--once] | mirror DIR --verify',
    purpose:
      "Keeps an exact copy of a server's open data in the folder DIR and proves it against the " +
      'signed manifests. It needs no key of the server and goes on wherever it was cut short. ' +
      'With --verify it proves the folder without the server, and names each file that differs; ' +
      'then the exit code is 1. Where HTTPS needs it, NODE_EXTRA_CA_CERTS names a PEM file.',
    flags: {
      datastream: 'only these datastreams',
      station: 'only datastreams of these stations',
      property: 'only datastreams of these properties',
      dataset: 'only this dataset: OWNER~DOMAIN or STATION~PROPERTY',
      key: 'the key to trust, its thumbprint or its 32 bytes in base64url; without it the first that is met',
      'max-bytes':
        'of the disk, that the folder may take; without it what is free but a tenth of the disk (at most 10 GiB)',
      follow: 'goes on with the feed until it is stopped',
      once: 'ends where the feed does, as without --follow',
      verify: 'proves the folder without the server',
    },
  },
  replay: {
    synopsis: 'replay FILE… [--profile FILE] [--time shifted|as-is] [--speed N|max] [--ca FILE]',
    purpose: 'Publishes CSV files of real records as live stations of the running server.',
    flags: {
      profile: 'a JSON file that maps columns to properties (see simulators/profiles)',
      time: 'shifted (default): the last row is now; as-is: times of the file',
      speed: 'times faster than real time; max (default): as fast as is acknowledged',
      ca: certificate,
    },
  },
  load: {
    synopsis:
      'load [--devices N] [--rate N|max] [--seconds N] [--window N] [--qos2 SHARE] [--seed N] [--ca FILE]',
    purpose:
      'Publishes at a rate to the running server, then compares every acknowledged reading with ' +
      'the API; exit code 1 when anything is missing, doubled, changed or invented.',
    flags: {
      devices: 'how many devices, 1,000',
      rate: 'messages a second, 2,000; max: as many as are acknowledged',
      seconds: 'how long, 10',
      window: 'messages of one connection without acknowledgement, 10',
      qos2: 'share of the messages with QoS 2, 0 to 1',
      seed: 'a number that repeats the run, 1',
      ca: certificate,
    },
  },
  simulate: {
    synopsis:
      'simulate [--stations N] [--interval MS] [--faults NAME,…] [--seconds N] [--seed N] [--ca FILE]',
    purpose: 'Adds simulated stations to the running server, until it is stopped.',
    flags: {
      stations: 'how many, 12',
      interval: 'milliseconds between two messages of a station, 10,000',
      faults: 'what goes wrong now and then; a wrong name lists them',
      seconds: 'how long; without it, until it is stopped',
      seed: 'a number that repeats the run, 1',
      ca: certificate,
    },
  },
  help: { synopsis: 'help [COMMAND]', purpose: 'Prints this, or what one command takes.' },
};

const everyCommand = `Flags of every command: --data-dir --config --host --mqtt-port --mqtts-port --mqtt-ws-port
--http-port --push-port --metrics-port --json; of a node of a cluster also --role --node
--kafka-brokers --influx-url --influx-org --influx-bucket --influx-token-file. Each is also an
environment variable, QUANTRAC_DATA_DIR and so on; --config FILE sets everything else.
Exit codes: 0 right, 1 wrong data found (named), 2 wrong use.
`;

/** The help of one command, or of all. */
export function helpText(name?: string): string {
  const help = name === undefined ? undefined : commandHelp[name];
  return help === undefined ? overview() : `${describe(help)}\n${everyCommand}`;
}

function overview(): string {
  const lines = Object.values(commandHelp).map(
    ({ synopsis, purpose }) => `  ${synopsis}\n${firstSentence(purpose)}\n`,
  );
  return (
    `quantrac COMMAND [FLAGS]\n\n${lines.join('')}\n` +
    `quantrac COMMAND --help explains one. quantrac --version prints the version.\n\n${everyCommand}`
  );
}

function describe({ synopsis, purpose, flags = {} }: CommandHelp): string {
  const names = Object.keys(flags);
  const width = Math.max(0, ...names.map((flag) => flag.length)) + 4;
  const lines = names.map((flag) => `  ${`--${flag}`.padEnd(width)}${flags[flag]}\n`);
  return `quantrac ${synopsis}\n\n${wrap(purpose)}\n${lines.length === 0 ? '' : '\n'}${lines.join('')}`;
}

function firstSentence(text: string): string {
  const [sentence = ''] = text.split(/(?<=\.) |; /, 1);
  return wrap(sentence.replace(/\.?$/, '.')).replace(/^/gm, '      ');
}

function wrap(text: string): string {
  return text.replace(/(.{1,98})(?: +|$)/g, '$1\n').trimEnd();
}
