/**
 * The part of CKAN's `package_search` that harvesters and clients use, without Solr: words in `q`,
 * fields in `fq`. What is not understood is refused by name, never passed over: a filter that was
 * ignored would give a harvester what it must not take.
 */
import { badParameter } from '../../errors.ts';
import type { CkanPackage } from './package.ts';

export type Test = (found: CkanPackage) => boolean;

const fields: Readonly<Record<string, (found: CkanPackage) => readonly string[]>> = {
  id: ({ id }) => [id],
  name: ({ name }) => [name],
  organization: ({ organization }) => (organization === null ? [] : [organization.name]),
  owner_org: ({ organization }) => (organization === null ? [] : [organization.id]),
  groups: ({ groups }) => groups.map(({ name }) => name),
  tags: ({ tags }) => tags.map(({ name }) => name),
  res_format: ({ resources }) => resources.map(({ format }) => format),
  license_id: ({ license_id }) => [license_id],
  type: () => ['dataset'],
  dataset_type: () => ['dataset'],
  state: () => ['active'],
  metadata_modified: ({ metadata_modified }) => [`${metadata_modified}Z`],
  metadata_created: ({ metadata_created }) => [`${metadata_created}Z`],
};

const term = /([+-]|NOT\s+)?([a-z_]+):(?:"([^"]*)"|\[([^\]]*)\]|(\S+))(?:\s+(OR|AND)\b)?\s*/y;
const charactersMax = 10_000;
/** Of terms, words and keys of the order: each is looked at for every package. */
export const partsMax = 50;

/** Terms with AND or nothing between hold all; an OR joins a term with the one before. */
export function readFilterQuery(text: string, parameter: string): Test {
  if (text.length > charactersMax)
    throw badParameter(parameter, `at most ${charactersMax} characters`);
  const rest = text.trim().replaceAll(/[()]/g, ' ').trim();
  // Each term has a colon.
  if (rest.split(':', partsMax + 2).length > partsMax + 1)
    throw badParameter(parameter, `at most ${partsMax} terms`);
  const groups: Test[][] = [[]];
  term.lastIndex = 0;
  while (term.lastIndex < rest.length) {
    const found = term.exec(rest);
    if (found === null) throw refused(parameter);
    const [, sign = '', field = '', quoted, range, bare, joint] = found;
    const test = readTerm(field, { range, value: quoted ?? bare ?? '' }, parameter);
    const isNot = sign === '-' || sign.startsWith('NOT');
    groups.at(-1)?.push(isNot ? (each) => !test(each) : test);
    if (joint !== 'OR') groups.push([]);
  }
  return (each) => groups.every((any) => any.length === 0 || any.some((test) => test(each)));
}

function readTerm(
  field: string,
  { range, value }: { readonly range: string | undefined; readonly value: string },
  parameter: string,
): Test {
  const valuesOf = Object.hasOwn(fields, field) ? fields[field] : undefined;
  if (valuesOf === undefined) throw refused(parameter);
  if (range !== undefined) {
    const inRange = readRange(range, parameter);
    return (each) => valuesOf(each).some(inRange);
  }
  if (value === '*') return (each) => valuesOf(each).length > 0;
  return (each) => valuesOf(each).includes(value);
}

/** `[from TO to]`, both inclusive, `*` for no bound; times as ISO 8601. */
function readRange(text: string, parameter: string): (value: string) => boolean {
  const [, from = '', to = ''] = /^\s*(\S+)\s+TO\s+(\S+)\s*$/.exec(text) ?? [];
  const [fromAt, toAt] = [readBound(from, -Infinity), readBound(to, Infinity)];
  if (Number.isNaN(fromAt) || Number.isNaN(toAt)) throw refused(parameter);
  return (value) => {
    const at = Date.parse(value);
    return at >= fromAt && at <= toAt;
  };
}

function readBound(text: string, open: number): number {
  if (text === '*') return open;
  if (text === 'NOW') return Infinity;
  return /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text.replace(/(\.\d{3})\d+/, '$1')) : NaN;
}

function refused(parameter: string): Error {
  return badParameter(
    parameter,
    `terms field:value of ${Object.keys(fields).join(', ')}, joined by AND, OR, NOT`,
  );
}

/** All words, anywhere in title, notes, tags or name, without regard to case and diacritics. */
export function readWords(text: string | undefined, parameter: string): Test {
  if (text === undefined || text.trim() === '' || text.trim() === '*:*') return () => true;
  if (text.length > charactersMax)
    throw badParameter(parameter, `at most ${charactersMax} characters`);
  if (/^[+-]?[a-z_]+:/.test(text.trim())) return readFilterQuery(text, parameter);
  const words = foldText(text)
    .split(/[^\p{L}\p{N}._-]+/u)
    .filter((word) => word !== '');
  if (words.length > partsMax) throw badParameter(parameter, `at most ${partsMax} words`);
  return ({ title, notes, name, tags }) => {
    const whole = foldText([title, notes, name, ...tags.map((tag) => tag.name)].join(' '));
    return words.every((word) => whole.includes(word));
  };
}

/** Lower case, without diacritics; đ is a letter of its own in Unicode, so it is told. */
function foldText(text: string): string {
  return text.toLowerCase().normalize('NFD').replaceAll(/\p{M}/gu, '').replaceAll('đ', 'd');
}

const sortable = ['id', 'name', 'title', 'title_string', 'metadata_created', 'metadata_modified'];

/** `id asc`; several by comma. `score desc` and nothing: by name. */
export function readSort(
  text: string | undefined,
  parameter: string,
): (one: CkanPackage, other: CkanPackage) => number {
  const keys = (text ?? 'name asc')
    .split(',')
    .map((part) => part.trim().split(/\s+/))
    .map(([field = '', direction = 'asc']) => ({
      field: field === 'title_string' ? 'title' : field === 'score' ? 'name' : field,
      sign: direction === 'desc' && field !== 'score' ? -1 : 1,
      isKnown:
        (sortable.includes(field) || field === 'score') && ['asc', 'desc'].includes(direction),
    }));
  if (keys.length > sortable.length || !keys.every(({ isKnown }) => isKnown)) {
    throw badParameter(parameter, `${sortable.join(', ')} with asc or desc`);
  }
  return (one, other) => {
    for (const { field, sign } of keys) {
      const [a, b] = [String(one[field]), String(other[field])];
      if (a !== b) return a < b ? -sign : sign;
    }
    return one.id < other.id ? -1 : 1;
  };
}
