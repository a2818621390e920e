/**
 * A dataset, an owner and a domain as CKAN's action API shows a package, an organization and a group
 * (`package_show` form of CKAN 2.10), as far as ckanapi and ckanext-harvest read them. Ids are UUIDs
 * made of the address of the thing (RFC 9562 §5.5), so that they are the same for good.
 */
import { createHash } from 'node:crypto';

import type { Owner } from '../../../devices/model.ts';
import type { Publisher } from '../dcat/publisher.ts';
import { domainNames } from '../domain-names.ts';
import type { Domain } from '../datasets.ts';
import type { Distribution } from '../distributions.ts';
import type { Entry } from '../entry.ts';
import { uriOf } from '../uris.ts';

/** RFC 9562 §6.6: of names that are URLs. */
const urlNamespace = Buffer.from('6ba7b8119dad11d180b400c04fd430c8', 'hex');

export function uuidOf(uri: string): string {
  const hash = createHash('sha1').update(urlNamespace).update(uri).digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const text = hash.toString('hex', 0, 16);
  return [8, 12, 16, 20, 32]
    .map((end, index) => text.slice([0, 8, 12, 16, 20][index], end))
    .join('-');
}

const nameCharactersMax = 100;

/**
 * CKAN's names hold lower-case letters, digits, `-` and `_` only. Where an id has others, six digits
 * of its hash keep names of different ids apart.
 */
export function ckanName(id: string): string {
  const plain = id.toLowerCase().replaceAll(/[^a-z0-9_-]+/g, '-');
  if (plain === id && plain.length >= 2 && plain.length <= nameCharactersMax) return plain;
  const mark = createHash('sha256').update(id).digest('hex').slice(0, 6);
  return `${plain.slice(0, nameCharactersMax - 7)}-${mark}`;
}

/** CKAN writes UTC without saying so; harvesters compare these texts. */
export function ckanTime(at: number): string {
  return new Date(at).toISOString().replace(/Z$/, '000');
}

export function ckanPackage(entry: Entry, base: string, publisher: Publisher): CkanPackage {
  const { id, uri, title, description, owner, licences, issuedAt, modifiedAt } = entry;
  const [licence] = licences;
  const single = licences.length === 1 ? licence : undefined;
  return {
    id: uuidOf(uri),
    name: ckanName(id),
    title: `${title.vi} / ${title.en}`,
    notes: `${description.vi}\n\n${description.en}`,
    type: 'dataset',
    state: 'active',
    private: false,
    isopen: entry.access === 'public',
    url: entry.page,
    version: null,
    author: owner?.name.vi ?? null,
    author_email: null,
    maintainer: publisher.isStated ? publisher.name.vi : null,
    maintainer_email: publisher.email ?? null,
    license_id: single?.id ?? 'other-open',
    license_title: licences.map((each) => each.title.vi).join('; '),
    license_url: single?.uri ?? null,
    owner_org: owner === undefined ? null : ckanOrganization(owner, base).id,
    organization: owner === undefined ? null : ckanOrganization(owner, base),
    groups: [ckanGroup(entry.domain, base)],
    tags: [...entry.keywords.vi, ...entry.keywords.en].map(ckanTag),
    num_tags: entry.keywords.vi.length + entry.keywords.en.length,
    resources: entry.distributions.map((each, index) => ckanResource(each, entry, index)),
    num_resources: entry.distributions.length,
    extras: extrasOf(entry),
    metadata_created: ckanTime(issuedAt),
    metadata_modified: ckanTime(modifiedAt ?? issuedAt),
    relationships_as_object: [],
    relationships_as_subject: [],
  };
}

export interface CkanPackage {
  readonly id: string;
  readonly name: string;
  readonly metadata_created: string;
  readonly metadata_modified: string;
  readonly title: string;
  readonly notes: string;
  readonly license_id: string;
  readonly organization: CkanOrganization | null;
  readonly groups: readonly CkanGroup[];
  readonly tags: readonly { readonly name: string }[];
  readonly resources: readonly { readonly format: string }[];
  readonly [member: string]: unknown;
}

/** Letters, digits, blanks and `-_.` (CKAN's tag_name_validator); 2 to 100 characters. */
function ckanTag(word: string) {
  const name = word
    .replaceAll(/[^\p{L}\p{N}\p{M} ._-]+/gu, ' ')
    .replaceAll(/ +/g, ' ')
    .trim()
    .padEnd(2, '_')
    .slice(0, nameCharactersMax);
  return {
    id: uuidOf(`tag:${name}`),
    name,
    display_name: name,
    state: 'active',
    vocabulary_id: null,
  };
}

function ckanResource(
  { uri, title, kind, url, file }: Distribution,
  entry: Entry,
  position: number,
) {
  return {
    id: uuidOf(uri),
    package_id: uuidOf(entry.uri),
    name: `${title.vi} / ${title.en}`,
    description: '',
    url,
    uri,
    format: kind.label,
    mimetype: kind.mediaType,
    mimetype_inner: null,
    resource_type: file === undefined ? 'api' : 'file',
    url_type: null,
    state: 'active',
    position,
    size: file?.bytes ?? null,
    hash: file === undefined ? '' : `sha256:${file.sha256}`,
    created: ckanTime(file?.madeAt ?? entry.issuedAt),
    last_modified: file === undefined ? null : ckanTime(file.madeAt),
    metadata_modified: ckanTime(file?.madeAt ?? entry.modifiedAt ?? entry.issuedAt),
  };
}

function extrasOf({ uri, domain, box, startAt, places, access }: Entry) {
  const polygon =
    box === undefined
      ? undefined
      : JSON.stringify({
          type: 'Polygon',
          coordinates: [
            [
              [box.west, box.south],
              [box.east, box.south],
              [box.east, box.north],
              [box.west, box.north],
              [box.west, box.south],
            ],
          ],
        });
  const extras: Readonly<Record<string, string | undefined>> = {
    uri,
    guid: uri,
    identifier: uri,
    domain,
    access_rights: access,
    language: '["vi","en"]',
    spatial: polygon,
    spatial_text: places.length === 0 ? undefined : places.map(({ name }) => name).join(', '),
    temporal_start: startAt === undefined ? undefined : new Date(startAt).toISOString(),
  };
  return Object.entries(extras).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value }],
  );
}

interface CkanGroup {
  readonly id: string;
  readonly name: string;
  readonly title: string;
  readonly [member: string]: unknown;
}

type CkanOrganization = CkanGroup;

export function ckanOrganization(owner: Owner, base: string): CkanOrganization {
  return {
    ...groupMembers(uriOf(base, 'owner', owner.id), owner.id),
    title: `${owner.name.vi} / ${owner.name.en}`,
    display_name: `${owner.name.vi} / ${owner.name.en}`,
    type: 'organization',
    is_organization: true,
  };
}

export function ckanGroup(domain: Domain, base: string): CkanGroup {
  const { vi, en } = domainNames[domain];
  return {
    ...groupMembers(`${base}/catalog#${domain}`, domain),
    title: `${vi} / ${en}`,
    display_name: `${vi} / ${en}`,
    type: 'group',
    is_organization: false,
  };
}

function groupMembers(uri: string, id: string) {
  return {
    id: uuidOf(uri),
    name: ckanName(id),
    description: '',
    image_url: '',
    image_display_url: '',
    state: 'active',
    approval_status: 'approved',
  };
}
