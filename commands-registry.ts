/** Commands about the registry and the configuration. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { askOrDo } from './ask-or-do.ts';
import type { Command } from './command-line.ts';
import { textFlag } from './command-line.ts';
import { printCommentedJson } from './commented-json.ts';
import { configurationSchema, readConfiguration, type Configuration } from './configuration.ts';
import { askControl } from './control.ts';
import { openDataFolder, pathsOf } from './data-folder.ts';
import { openSystemClock } from './devices/clock-system.ts';
import { codecs } from './devices/codecs/formats.ts';
import { openSystemRandom } from './devices/random.ts';
import { openRegistryWriter } from './devices/registry-sqlite.ts';
import type { DeviceSecret, ImportOutcome, RegistryWriter } from './devices/registry.ts';
import { startError } from './errors.ts';

export interface ProvisionOutcome {
  readonly outcome: ImportOutcome;
  readonly secrets: readonly DeviceSecret[];
}

function configurationOf(command: Command): Configuration {
  return readConfiguration({ flags: command.flags, environment: process.env });
}

/** Imports a registry file and gives secrets to its devices: here, or in the running server. */
export async function provisionFile(
  configuration: Configuration,
  content: unknown,
  rotate: boolean,
): Promise<ProvisionOutcome> {
  const argument = { content, rotate };
  return askOrOpen<ProvisionOutcome>(configuration, ['provision', argument], (registry) =>
    provisionHere(registry, content, rotate),
  );
}

/** Asks the running server, or works on the registry here. */
export async function askOrOpen<Result>(
  configuration: Configuration,
  [question, argument]: readonly [question: string, argument: unknown],
  work: (registry: RegistryWriter) => Result,
): Promise<Result> {
  const { controlSocket } = pathsOf(configuration.dataDir);
  const { result } = await askOrDo<{ readonly result: unknown }>(
    openSystemClock(),
    () => askControl(controlSocket, question, argument),
    () => ({ result: withRegistry(configuration, work) }),
  );
  return result as Result;
}

export function provisionHere(
  registry: RegistryWriter,
  content: unknown,
  rotate: boolean,
): ProvisionOutcome {
  const actor = 'operator (command line)';
  const outcome = registry.importFile(content, actor);
  if (!outcome.ok) return { outcome, secrets: [] };
  const devices = ((content as { devices?: readonly { id: string }[] }).devices ?? []).map(
    ({ id }) => id,
  );
  return { outcome, secrets: registry.provision(devices, { rotate, actor }) };
}

function withRegistry<Result>(
  configuration: Configuration,
  work: (registry: RegistryWriter) => Result,
): Result {
  const random = openSystemRandom();
  const folder = openDataFolder(configuration.dataDir, random);
  const registry = openRegistryWriter(folder.registry, {
    clock: openSystemClock(),
    random,
    config: configuration.devices,
    codecs: new Set(codecs.map(({ id }) => id)),
  });
  try {
    return work(registry);
  } finally {
    registry.close();
    folder.release();
  }
}

/** Prints one JSON line a device; on problems, one line a problem and exit code 1. */
export async function provisionCommand(command: Command): Promise<number> {
  const [file] = command.arguments;
  if (file === undefined || command.arguments.length > 1)
    throw startError('START_USAGE', { command: 'provision', accepted: 'one registry file' });
  const { outcome, secrets } = await provisionFile(
    configurationOf(command),
    readJson(file),
    command.flags['rotate'] === true,
  );
  if (!outcome.ok) {
    for (const problem of outcome.problems) process.stderr.write(`${JSON.stringify(problem)}\n`);
    return 1;
  }
  for (const secret of secrets) process.stdout.write(`${JSON.stringify(secret)}\n`);
  return 0;
}

const standardInput = 0;

/** `-`: from standard input, where the program cannot see the file that is meant (a container). */
function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file === '-' ? standardInput : file, 'utf8'));
  } catch (error) {
    throw startError(
      'START_USAGE',
      { file, problem: error instanceof Error ? error.message : String(error) },
      error,
    );
  }
}

export async function tokenCommand(command: Command): Promise<number> {
  const [action, subject] = command.arguments;
  // Here the role is that of the token, not of a process.
  const { role: _ofToken, ...flags } = command.flags;
  const configuration = configurationOf({ ...command, flags });
  if (action === 'create') {
    const role = textFlag(command, 'role');
    if (role !== 'operator' && role !== 'reader')
      throw startError('START_USAGE', {
        flag: '--role',
        value: role,
        accepted: ['operator', 'reader'],
      });
    const owner = textFlag(command, 'owner');
    const recipient = textFlag(command, 'recipient');
    const wanted = {
      role,
      actor: 'operator (command line)',
      ...(owner === undefined ? {} : { owner }),
      ...(recipient === undefined ? {} : { recipient }),
    } as const;
    const token = await askOrOpen(configuration, ['createToken', wanted], (registry) =>
      registry.createToken(wanted),
    );
    process.stdout.write(`${JSON.stringify(token)}\n`);
    return 0;
  }
  if (action === 'revoke' && subject !== undefined) {
    const actor = 'operator (command line)';
    await askOrOpen<unknown>(configuration, ['revoke', { subject, actor }], (registry) =>
      registry.revoke(subject, actor),
    );
    process.stdout.write(`${JSON.stringify({ revoked: subject })}\n`);
    return 0;
  }
  throw startError('START_USAGE', {
    command: 'token',
    accepted: ['create --role operator|reader', 'revoke ID'],
  });
}

/** The whole configuration with its present values; it parses back to the same. */
export async function configCommand(command: Command): Promise<number> {
  const { demo: _demo, sandbox: _sandbox, json: _json, ...values } = configurationOf(command);
  process.stdout.write(
    printCommentedJson(z.toJSONSchema(configurationSchema, { io: 'input' }), values),
  );
  return 0;
}
