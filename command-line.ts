/** The command line: which command, its flags and arguments. Unknown ones are refused by name. */
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { settings } from './configuration.ts';
import { startError } from './errors.ts';

export const commandNames = [
  'run',
  'provision',
  'token',
  'grant',
  'certificate',
  'config',
  'verify',
  'rebuild',
  'compare',
  'backup',
  'restore',
  'reprocess',
  'erase',
  'manifest',
  'mirror',
  'replay',
  'load',
  'simulate',
  'help',
  'version',
] as const;
type CommandName = (typeof commandNames)[number];

export interface Command {
  readonly name: CommandName;
  readonly flags: Readonly<Record<string, string | boolean | undefined>>;
  readonly arguments: readonly string[];
}

/** Flags by command, beside those of the configuration, which every command takes. */
export const flagsOf: Readonly<
  Record<CommandName, readonly (readonly [flag: string, kind: 'text' | 'switch'])[]>
> = {
  run: [
    ['demo', 'switch'],
    ['sandbox', 'switch'],
  ],
  provision: [['rotate', 'switch']],
  token: [
    ['role', 'text'],
    ['owner', 'text'],
    ['recipient', 'text'],
  ],
  grant: [
    ['owners', 'text'],
    ['stations', 'text'],
    ['datastreams', 'text'],
    ['properties', 'text'],
    ['recipient', 'text'],
    ['purpose', 'text'],
    ['reason', 'text'],
    ['from', 'text'],
    ['until', 'text'],
  ],
  certificate: [],
  config: [],
  verify: [['digest', 'switch']],
  rebuild: [],
  compare: [
    ['timed', 'switch'],
    ['parts', 'text'],
    ['ca', 'text'],
  ],
  backup: [],
  restore: [['erasures', 'text']],
  reprocess: [
    ['from', 'text'],
    ['to', 'text'],
    ['dry-run', 'switch'],
  ],
  erase: [
    ['device', 'text'],
    ['owner', 'text'],
    ['from', 'text'],
    ['to', 'text'],
    ['reason', 'text'],
  ],
  manifest: [['new-key', 'switch']],
  mirror: [
    ['datastream', 'text'],
    ['station', 'text'],
    ['property', 'text'],
    ['dataset', 'text'],
    ['key', 'text'],
    ['max-bytes', 'text'],
    ['follow', 'switch'],
    ['once', 'switch'],
    ['verify', 'switch'],
  ],
  replay: [
    ['profile', 'text'],
    ['time', 'text'],
    ['speed', 'text'],
    ['ca', 'text'],
  ],
  load: [
    ['devices', 'text'],
    ['rate', 'text'],
    ['seconds', 'text'],
    ['window', 'text'],
    ['qos2', 'text'],
    ['seed', 'text'],
    ['ca', 'text'],
  ],
  simulate: [
    ['stations', 'text'],
    ['interval', 'text'],
    ['seconds', 'text'],
    ['faults', 'text'],
    ['seed', 'text'],
    ['ca', 'text'],
  ],
  help: [],
  version: [],
};

/** Commands that take flags only: a word beside them is a mistake, not to be passed over. */
const withoutArguments: ReadonlySet<CommandName> = new Set([
  'run',
  'config',
  'rebuild',
  'reprocess',
  'erase',
  'manifest',
  'load',
  'simulate',
  'version',
]);

/** `COMMAND --help` is `help COMMAND`. Throws START_USAGE naming what is not understood. */
export function parseCommand(words: readonly string[]): Command {
  const [first = 'help', ...rest] = words;
  if (/^(--version|-v)$/.test(first)) return { name: 'version', flags: {}, arguments: [] };
  const name = requireName(/^(--help|-h)$/.test(first) ? 'help' : first);
  if (asksForHelp(rest)) return { name: 'help', flags: {}, arguments: [name] };
  if (name === 'help') requireName(rest[0] ?? 'help');
  const options: ParseArgsOptionsConfig = { json: { type: 'boolean' }, config: { type: 'string' } };
  for (const [flag] of settings) options[flag] = { type: 'string' };
  for (const [flag, kind] of flagsOf[name])
    options[flag] = { type: kind === 'text' ? 'string' : 'boolean' };
  try {
    const allowPositionals = !withoutArguments.has(name);
    const parsed = parseArgs({ args: rest, options, allowPositionals, strict: true });
    return { name, flags: parsed.values as Command['flags'], arguments: parsed.positionals };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw startError(
      'START_USAGE',
      { command: name, problem, accepted: Object.keys(options).map((flag) => `--${flag}`) },
      error,
    );
  }
}

function requireName(word: string): CommandName {
  const name = commandNames.find((each) => each === word);
  if (name !== undefined) return name;
  throw startError('START_USAGE', { command: word, accepted: commandNames });
}

function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  return (end < 0 ? words : words.slice(0, end)).some((word) => /^(--help|-h)$/.test(word));
}

/** A flag's text, or the default. */
export function textFlag(command: Command, flag: string, fallback?: string): string | undefined {
  const value = command.flags[flag];
  return typeof value === 'string' ? value : fallback;
}

/** A flag's number within bounds; START_USAGE names it otherwise. */
export function numberFlag(
  command: Command,
  flag: string,
  fallback: number,
  bounds: { readonly min: number; readonly max: number },
): number {
  const text = textFlag(command, flag);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isFinite(value) || value < bounds.min || value > bounds.max) {
    throw startError('START_USAGE', {
      flag: `--${flag}`,
      value: text,
      accepted: `${bounds.min} to ${bounds.max}`,
    });
  }
  return value;
}

/** A flag's instant (RFC 3339) in ms UTC, or undefined. */
export function instantFlag(command: Command, flag: string): number | undefined {
  const text = textFlag(command, flag);
  if (text === undefined) return undefined;
  const at = /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at))
    throw startError('START_USAGE', {
      flag: `--${flag}`,
      value: text,
      accepted: 'an RFC 3339 instant with offset',
    });
  return at;
}
