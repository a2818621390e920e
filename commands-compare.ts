/** The command `compare`: what two platforms hold, each a reading API or a folder, key by key. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { openAnswers } from './api/compare/answers.ts';
import { comparePlatforms, type Comparison } from './api/compare/compare.ts';
import { heldPlatform } from './api/compare/held-platform.ts';
import { openPlatform } from './api/compare/open-platform.ts';
import type { Platform } from './api/compare/platform.ts';
import { parts, type Part } from './api/compare/tally.ts';
import { createNetworks } from './api/network.ts';
import type { Viewer } from './api/viewer.ts';
import { textFlag, type Command } from './command-line.ts';
import { configurationOf, openProgress, tell } from './command-telling.ts';
import { openSystemClock } from './devices/clock-system.ts';
import { startError } from './errors.ts';
import { openFolderView } from './folder-view.ts';

/** Of each part by name. */
const differencesMax = 10;
/** Observations asked for at once. */
const asksMax = 16;

export async function compareCommand(command: Command): Promise<number> {
  const words = command.arguments;
  if (words.length !== 2)
    throw startError('START_USAGE', { command: 'compare', accepted: 'two addresses or folders' });
  const counting = countingOf(command);
  const opened: Opened[] = [];
  try {
    for (const word of words) opened.push(await open(command, word, words.some(isAddress)));
    const [one, other] = opened.map(({ platform }) => platform);
    const comparison = await comparePlatforms({
      one: one!,
      other: other!,
      timedOnly: command.flags['timed'] === true,
      differencesMax,
      onProgress: openProgress(command),
    });
    const isEqual = counting.every((part) => comparison.parts[part].different === 0);
    tellComparison(command, { ...comparison, isEqual });
    return isEqual ? 0 : 1;
  } finally {
    for (const each of opened) each.close();
  }
}

/** The parts that must be equal: all, or those that --parts names. */
function countingOf(command: Command): readonly Part[] {
  const text = textFlag(command, 'parts');
  if (text === undefined) return parts;
  return text.split(',').map((name) => {
    const found = parts.find((part) => part === name);
    if (found !== undefined) return found;
    throw startError('START_USAGE', { flag: '--parts', value: name, accepted: parts });
  });
}

function isAddress(word: string): boolean {
  return /^https?:\/\//.test(word);
}

interface Opened {
  readonly platform: Platform;
  close(): void;
}

/** Beside a platform that is seen from outside, a folder too tells no more than anybody may see. */
async function open(command: Command, word: string, openOnly: boolean): Promise<Opened> {
  if (isAddress(word)) {
    const ca = textFlag(command, 'ca');
    const answers = openAnswers({
      url: word,
      ca: ca === undefined ? undefined : readFileSync(ca, 'utf8'),
      connectionsMax: asksMax,
      clock: openSystemClock(),
    });
    return {
      platform: openPlatform({ name: word, answers, asksMax }),
      close: () => answers.close(),
    };
  }
  const name = resolve(word);
  const held = await openFolderView(name, configurationOf(command), openProgress(command));
  const { store, registry, knownFromAt } = held;
  // A node's copy need not hold everything: what is older is seen through its API alone.
  const part =
    knownFromAt === Number.NEGATIVE_INFINITY
      ? ''
      : ` (what ended from ${new Date(knownFromAt).toISOString()} on)`;
  const view = createNetworks({ current: () => registry }).viewOf(openOnly ? anybody : operator);
  return { platform: heldPlatform({ name: name + part, store, view }), close: () => held.close() };
}

const anybody: Viewer = { principal: 'anonymous', key: 'anonymous', actor: 'anonymous' };
const operator: Viewer = {
  principal: { kind: 'token', subject: 'compare', role: 'operator' },
  key: 'operator',
  actor: 'operator (command line)',
};

function tellComparison(command: Command, comparison: Comparison): void {
  const { isEqual, one, other, differences } = comparison;
  for (const difference of differences) {
    const { part, key } = difference;
    const said = [difference.one, difference.other].map((text) => text?.trimEnd() ?? 'nothing');
    const sentence = `${part} ${key}\n  one:   ${said[0]}\n  other: ${said[1]}`;
    tell(command, { event: 'difference', ...difference }, sentence);
  }
  const counted = parts.map((part) => {
    const { compared, different, leftOut } = comparison.parts[part];
    return `  ${part}: ${different} of ${compared} differ${leftOut === 0 ? '' : `, ${leftOut} left out`}`;
  });
  const sums = [one, other].map(
    ({ name, digest, rows, hasMoved }) =>
      `  ${digest} ${rows} rows ${name}${hasMoved ? ' (it changed meanwhile)' : ''}`,
  );
  tell(
    command,
    { event: 'compared', ...comparison, differences: undefined },
    [isEqual ? 'equal' : 'different', ...counted, ...sums].join('\n'),
  );
}
