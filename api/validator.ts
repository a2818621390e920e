/**
 * Strong entity tags that say by themselves what an answer depends on: the question, the position of
 * `observations`, the version of the registry and, where ages are told, the second it was made. So
 * a tag given earlier can be found still true without keeping anything: when no series of the
 * question has changed since its position.
 */
import { createHash } from 'node:crypto';

export interface AnswerVersion {
  /** Everything that was asked, and who asked: equal questions at equal versions, equal bytes. */
  readonly question: string;
  readonly position: number;
  readonly registryVersion: number;
  /** Seconds UTC for which ages were computed; 0 in answers without ages. */
  readonly madeAtSeconds: number;
}

const tagGrammar = /^"([A-Za-z0-9_-]{16})\.([0-9a-z]+)\.([0-9a-z]+)\.([0-9a-z]+)(?:-[a-z]+)?"$/;
const tagsMax = 32;

export function tagOf(version: AnswerVersion): string {
  const { position, registryVersion, madeAtSeconds } = version;
  const numbers = [position, registryVersion, madeAtSeconds].map((each) => each.toString(36));
  return `"${questionHash(version.question)}.${numbers.join('.')}"`;
}

/** Strong tags differ with the encoding of the bytes. */
export function tagWithEncoding(tag: string, encoding: string): string {
  return tag.endsWith('"') && !tag.startsWith('W/') ? `${tag.slice(0, -1)}-${encoding}"` : tag;
}

/** The tag of If-None-Match that is still true, or undefined. */
export function matchTag(
  ifNoneMatch: string | undefined,
  version: AnswerVersion,
  stillTrue: {
    /** Whether nothing of the question has changed since this position. */
    readonly unchangedSince: (position: number) => boolean;
    readonly ageSecondsMax: number;
  },
): string | undefined {
  if (ifNoneMatch === undefined) return undefined;
  const hash = questionHash(version.question);
  return ifNoneMatch
    .split(',', tagsMax)
    .map((tag) => tag.trim().replace(/^W\//, ''))
    .find((tag) => {
      const [, question, position = '', registryVersion = '', madeAt = ''] =
        tagGrammar.exec(tag) ?? [];
      const age = version.madeAtSeconds - Number.parseInt(madeAt, 36);
      return (
        question === hash &&
        Number.parseInt(registryVersion, 36) === version.registryVersion &&
        age >= 0 &&
        (version.madeAtSeconds === 0 || age <= stillTrue.ageSecondsMax) &&
        isUnchanged(Number.parseInt(position, 36), version.position, stillTrue.unchangedSince)
      );
    });
}

function isUnchanged(
  given: number,
  now: number,
  unchangedSince: (position: number) => boolean,
): boolean {
  return given === now || (given < now && unchangedSince(given));
}

function questionHash(question: string): string {
  return createHash('sha256').update(question).digest('base64url').slice(0, 16);
}
