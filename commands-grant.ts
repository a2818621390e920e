/** Who may read what is not open: grants, decisions and their end, here or in the running server. */
import type { z } from 'zod';
import { instantFlag, textFlag, type Command } from './command-line.ts';
import { askOrOpen } from './commands-registry.ts';
import { readConfiguration } from './configuration.ts';
import { purposeText, reasonText, scopeSchema } from './devices/access-file.ts';
import type { Grant, GrantScope } from './devices/access.ts';
import { id as idText } from './devices/file-fields.ts';
import { openSystemRandom } from './devices/random.ts';
import {
  carryOut,
  newGrantId,
  type AccessWish,
  type WishAnswer,
} from './devices/registry/access-wish.ts';
import { startError } from './errors.ts';

const actor = 'operator (command line)';

/** Prints one JSON line of what was done, or one a request and grant. */
export async function grantCommand(command: Command): Promise<number> {
  const [action, subject, ...rest] = command.arguments;
  const configuration = readConfiguration({ flags: command.flags, environment: process.env });
  if (action === 'list' && subject === undefined) {
    const grants = await askOrOpen<readonly Grant[]>(
      configuration,
      ['grants', null],
      (registry) => [...registry.current().access.grants.values()],
    );
    for (const grant of grants) process.stdout.write(`${JSON.stringify(grant)}\n`);
    return 0;
  }
  const wish =
    subject === undefined || rest.length > 0 ? undefined : wishOf(command, action, subject);
  if (wish === undefined) {
    throw startError('START_USAGE', {
      command: 'grant',
      accepted: [
        'list',
        'give RECIPIENT',
        'accept ID',
        'refuse ID',
        'withdraw ID',
        'close RECIPIENT',
      ],
    });
  }
  const answer = await askOrOpen<WishAnswer>(configuration, ['access', wish], (registry) =>
    carryOut(registry, wish),
  );
  process.stdout.write(`${JSON.stringify(answer)}\n`);
  return 0;
}

function wishOf(
  command: Command,
  action: string | undefined,
  subject: string,
): AccessWish | undefined {
  const id = checked(idText, subject, action ?? '');
  const reason = () => checked(reasonText, textFlag(command, 'reason'), '--reason');
  switch (action) {
    case 'give':
      return {
        action: 'give',
        id: newGrantId(openSystemRandom()),
        recipient: id,
        scope: scopeOf(command),
        purpose: checked(purposeText, textFlag(command, 'purpose'), '--purpose'),
        decision: { reason: reason(), actor, ...periodOf(command) },
      };
    case 'accept':
    case 'refuse': {
      const recipient = textFlag(command, 'recipient');
      const decision = action === 'accept' ? 'grant' : 'refuse';
      const named = recipient === undefined ? {} : { recipient };
      const how = { decision, reason: reason(), actor, ...named, ...periodOf(command) } as const;
      return { action: 'decide', decision: { id, ...how } };
    }
    case 'withdraw':
    case 'close':
      return { action, id, reason: reason(), actor };
    case undefined:
    default:
      return undefined;
  }
}

function scopeOf(command: Command): GrantScope {
  const lists = ['owners', 'stations', 'datastreams', 'properties'].flatMap((list) => {
    const text = textFlag(command, list);
    return text === undefined ? [] : [[list, text.split(',')] as const];
  });
  return checked(
    scopeSchema,
    Object.fromEntries(lists),
    '--owners, --stations, --datastreams, --properties',
  );
}

function periodOf(command: Command): { readonly fromAt?: number; readonly untilAt?: number } {
  const fromAt = instantFlag(command, 'from');
  const untilAt = instantFlag(command, 'until');
  return {
    ...(fromAt === undefined ? {} : { fromAt }),
    ...(untilAt === undefined ? {} : { untilAt }),
  };
}

function checked<Value>(schema: z.ZodType<Value>, value: unknown, flag: string): Value {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw startError('START_USAGE', {
    flag,
    value,
    problem: parsed.error.issues.map(({ message }) => message).join('; '),
  });
}
