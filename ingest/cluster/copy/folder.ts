/**
 * What a node's folder holds of the observations when it starts, and whether the copy goes on with it or
 * begins anew. Log and view go one behind another in an order that a kill between any two steps leaves
 * something to begin with: a log without its view, or neither.
 */
import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import type { CodedError } from '../../../devices/coded-error.ts';
import { createDurableEnd, type SharedDurableEnd } from '../../log/durable-end.ts';
import type { Position } from '../../log/log.ts';
import { readViewState } from '../../store/adopt-view.ts';
import { storeError } from '../../store/errors.ts';
import { removeView } from '../../store/schema.ts';
import type { ViewBeginning } from '../../store/writer.ts';
import { untilDone } from '../connect.ts';
import {
  findCopyBeginning,
  isFurther,
  isWhole,
  mayBeginAnew,
  readHeldCopy,
  type HeldCopy,
} from './beginning.ts';
import { otherHistory } from './comparing.ts';
import type { CopyEvents } from './events.ts';
import { openCopyLog, openCopyReader } from './log.ts';
import type { LocalCopyOptions } from './open.ts';
import { namesOf } from '../names.ts';
import type { Past } from '../past.ts';

const dayMs = 86_400_000;

/** Where the copy begins, with nothing in the folder then; undefined: it goes on as it stands. */
export async function prepareFolder(
  options: LocalCopyOptions,
  past: Past | undefined,
  events: CopyEvents,
): Promise<ViewBeginning | undefined> {
  const { paths, clock, cluster, signal } = options;
  removeGivenUp(paths);
  const { held, isCut, lost } = await inspect(options, events);
  if (lost !== undefined) events.lost(lost);
  const isLost = isCut || lost !== undefined;
  const sinceAt = clock.now() - cluster.horizonDays * dayMs;
  if (!isLost && (past === undefined || !mayBeginAnew(held, { viewPath: paths.view, sinceAt }))) {
    return undefined;
  }
  const begin = past && (await findBeginning(options, past));
  if (!isLost && held !== undefined && (begin === undefined || !isFurther(begin, held))) {
    return undefined;
  }
  if (signal.aborted) return undefined;
  removeCopy(paths);
  if (begin !== undefined) events.begun(begin.horizon);
  return begin;
}

function findBeginning(options: LocalCopyOptions, past: Past): Promise<ViewBeginning | undefined> {
  const { kafka, cluster, ingest, clock } = options;
  return untilDone(options, () =>
    findCopyBeginning({
      kafka,
      topic: namesOf(cluster.kafka.topicPrefix).topics.observations,
      partitions: cluster.partitions,
      clock,
      lengthMs: cluster.horizonDays * dayMs,
      rules: { futureMsMax: ingest.normalise.futureMaxMs },
      noted: () => past.noted(),
    }),
  );
}

interface Found {
  readonly held: HeldCopy | undefined;
  /** Nobody knows any more what the log does not hold. */
  readonly isCut: boolean;
  /** Why what is here cannot be gone on with. */
  readonly lost: CodedError | undefined;
}

/** With an end of its own: other threads learn of the log when it is known to stay. */
async function inspect(options: LocalCopyOptions, events: CopyEvents): Promise<Found> {
  const { view } = options.paths;
  const durableEnd = createDurableEnd();
  const log = await openCopyLog(options, durableEnd);
  const reader = await openCopyReader(options, durableEnd);
  try {
    const end = durableEnd.get();
    const held = await readHeldCopy(reader, end);
    const isCut = held !== undefined && !existsSync(view) && !(await isWhole(reader));
    const lost =
      viewAhead(options, end) ?? (held && (await compare(options, events, durableEnd, held)));
    return { held, isCut, lost };
  } finally {
    await reader.close();
    await log.close();
  }
}

function compare(
  options: LocalCopyOptions,
  events: CopyEvents,
  durableEnd: SharedDurableEnd,
  { positions }: HeldCopy,
): Promise<CodedError | undefined> {
  const { kafka, clock, cluster } = options;
  const topic = namesOf(cluster.kafka.topicPrefix).topics.observations;
  const openReader = () => openCopyReader(options, durableEnd);
  return otherHistory({ kafka, topic, clock, durableEnd, openReader, events }, positions);
}

/** A view of a log that is gone: of a node killed while it gave both up, or whose log was deleted. */
function viewAhead({ paths, storeId }: LocalCopyOptions, logEnd: Position): CodedError | undefined {
  const path = paths.view;
  // One of no bytes is made anew when it is opened.
  if (!existsSync(path) || statSync(path).size === 0) return undefined;
  const state = readViewState(path);
  // Another log's is refused by name when it is opened.
  const held = state.storeId === storeId ? Math.max(state.position, state.target) : 0;
  return held > logEnd ? storeError('STORE_AHEAD_OF_LOG', { path, held, logEnd }) : undefined;
}

type Paths = LocalCopyOptions['paths'];

const givenUp = ({ observations }: Paths): string => `${observations}.given-up`;

/** Renamed first: a log of which a part is deleted is never opened. */
function removeCopy(paths: Paths): void {
  removeView(paths.view);
  renameSync(paths.observations, givenUp(paths));
  removeGivenUp(paths);
}

function removeGivenUp(paths: Paths): void {
  rmSync(givenUp(paths), { recursive: true, force: true });
}
