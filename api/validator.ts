/**
 * Strong entity tags that say by themselves what an answer depends on: the question, the moment of
 * `observations`, the version of the registry and, where ages are told, the second it was made. So
 * a tag given earlier can be found still true without keeping anything: when no series of the
 * question has changed since its moment.
 */
import { createHash } from 'node:crypto';

import { encodings } from './limits/encoding.ts';

export interface AnswerVersion {
  /** Everything that was asked, and who asked: equal questions at equal versions, equal bytes. */
  readonly question: string;
  /** Of letters, digits, `-` and `_`; equal for equal moments. */
  readonly moment: string;
  readonly registryVersion: number;
  /** Seconds UTC for which ages were computed; 0 in answers without ages. */
  readonly madeAtSeconds: number;
}

const tagGrammar =
  /^"([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]+)\.([0-9a-z]+)\.([0-9a-z]+)(?:-[a-z]+)?"$/;
const tagsMax = 32;

export function tagOf(version: AnswerVersion): string {
  const { question, moment, registryVersion, madeAtSeconds } = version;
  const numbers = [registryVersion, madeAtSeconds].map((each) => each.toString(36));
  return `"${[questionHash(question), moment, ...numbers].join('.')}"`;
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
    /** Whether this is an earlier moment, since which nothing of the question has changed. */
    readonly unchangedSince: (moment: string) => boolean;
    readonly ageSecondsMax: number;
  },
): string | undefined {
  if (ifNoneMatch === undefined) return undefined;
  // Any representation will do (RFC 9110 §13.1.2), and there is one.
  if (ifNoneMatch.trim() === '*') return tagOf(version);
  const hash = questionHash(version.question);
  return ifNoneMatch
    .split(',', tagsMax)
    .map((tag) => tag.trim().replace(/^W\//, ''))
    .find((tag) => {
      const [, question, moment = '', registryVersion = '', madeAt = ''] =
        tagGrammar.exec(tag) ?? [];
      const age = version.madeAtSeconds - Number.parseInt(madeAt, 36);
      return (
        question === hash &&
        Number.parseInt(registryVersion, 36) === version.registryVersion &&
        age >= 0 &&
        (version.madeAtSeconds === 0 || age <= stillTrue.ageSecondsMax) &&
        (moment === version.moment || stillTrue.unchangedSince(moment))
      );
    });
}

/**
 * Whether If-None-Match names this tag, of an answer that is known by its bytes (RFC 9110 §13.1.2,
 * weak comparison). The encoding that it was sent with makes no other answer.
 */
export function isTagNamed(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  // Put behind the tag, never cut off: a hash may end as the name of an encoding does.
  const encoded = encodings.map((encoding) => tagWithEncoding(tag, encoding));
  const names = new Set(['*', tag, ...encoded]);
  return ifNoneMatch.split(',', tagsMax).some((each) => names.has(each.trim().replace(/^W\//, '')));
}

function questionHash(question: string): string {
  return createHash('sha256').update(question).digest('base64url').slice(0, 16);
}
