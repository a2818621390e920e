/** A dataset as CKAN's `package_create` and `package_update` take it (CKAN 2.9 and 2.10). */
import { createHash } from 'node:crypto';

import { ckanName, ckanPackage } from '../catalogue/ckan/package.ts';
import type { Publisher } from '../catalogue/dcat/publisher.ts';
import type { Entry } from '../catalogue/entry.ts';

export interface CkanPlace {
  /** As clients reach this server. */
  readonly base: string;
  readonly publisher: Publisher;
  /** Name or id of the organization there. */
  readonly organization: string | undefined;
  /** Before every name there, where others publish too. */
  readonly namePrefix: string;
}

export interface CkanSubmission {
  readonly name: string;
  readonly extras: readonly { readonly key: string; readonly value: string }[];
  readonly [member: string]: unknown;
}

/** Extra by which a package is known to be ours, and to be as it is here. */
export const uriExtra = 'uri';
export const hashExtra = 'quantrac_hash';

/** Of CKAN's names (`package_name_validator`). */
const nameCharactersMax = 100;

/** The name that a dataset has there; it is what makes it one, since ids are the portal's own. */
export function ckanNameThere(dataset: string, namePrefix: string): string {
  const name = `${namePrefix}${ckanName(dataset)}`;
  if (name.length <= nameCharactersMax) return name;
  const mark = createHash('sha256').update(dataset).digest('hex').slice(0, 12);
  return `${name.slice(0, nameCharactersMax - 13)}-${mark}`;
}

export function submissionOf(entry: Entry, place: CkanPlace) {
  const { base, publisher, organization, namePrefix } = place;
  const shown = ckanPackage(entry, base, publisher);
  const extras = (shown['extras'] as CkanSubmission['extras']).toSorted((one, other) =>
    one.key < other.key ? -1 : 1,
  );
  const content = {
    name: ckanNameThere(entry.id, namePrefix),
    title: shown.title,
    notes: shown.notes,
    url: entry.page,
    license_id: shown.license_id,
    author: shown['author'],
    maintainer: shown['maintainer'],
    maintainer_email: shown['maintainer_email'],
    private: false,
    state: 'active',
    tags: [...new Set(shown.tags.map(({ name }) => name))].map((name) => ({ name })),
    resources: entry.distributions.map(({ title, kind, url, file }) => ({
      name: `${title.vi} / ${title.en}`,
      url,
      format: kind.label,
      mimetype: kind.mediaType,
      ...(file === undefined ? {} : { size: file.bytes, hash: `sha256:${file.sha256}` }),
    })),
    ...(organization === undefined ? {} : { owner_org: organization }),
  };
  const hash = createHash('sha256')
    .update(JSON.stringify([content, extras]))
    .digest('hex');
  const submission: CkanSubmission = {
    ...content,
    extras: [...extras, { key: hashExtra, value: hash }],
  };
  return { submission, hash };
}
