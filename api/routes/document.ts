/** `/api/v1/` lists everything; `/api/v1/openapi.json` says it exactly (OpenAPI 3.1), and what operators import beside it. */
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';

import { registryFileJsonSchema } from '../../devices/registry-file.ts';
import { baseUrl } from '../answer.ts';
import type { ApiContext } from '../context.ts';
import { followedHeaders, objectReplies } from '../description/replies.ts';
import { addFixedBody } from '../limits/fixed-body.ts';
import { apiVersion } from '../stability/feed-routes.ts';
import {
  eventFormats,
  listFormats,
  mapFormats,
  seriesFormats,
  type Format,
} from '../formats/format.ts';
import { transformDocument, transformRoute } from '../description/transform.ts';

export async function addDocument(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Quantrac reading API',
        version: apiVersion,
        description:
          'Open readings of weather, water and air stations. Public GETs need no key. ' +
          'Errors are RFC 9457 problems with a `code` and the `parameter` named.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      tags: [
        { name: 'readings', description: 'Open data.' },
        { name: 'maps', description: 'OGC API Features and Tiles.' },
        { name: 'access', description: 'Asking for what is not open.' },
        { name: 'catalogue', description: 'Which datasets there are.' },
        { name: 'operators', description: 'With a token of the role operator.' },
        { name: 'operation', description: 'For those who keep the server running.' },
      ],
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    },
    transform: transformRoute,
    transformObject: transformDocument,
  });
}

const lists: Readonly<Record<string, { title: string; formats: readonly Format[] }>> = {
  stations: { title: 'Where is measured', formats: mapFormats },
  datastreams: { title: 'Every series', formats: mapFormats },
  properties: { title: 'What can be measured, in which unit', formats: listFormats },
  owners: { title: 'By whom', formats: listFormats },
  deployments: { title: 'With which instrument, since when', formats: listFormats },
  qualities: { title: 'What flags, tests, qualifiers and reasons mean', formats: listFormats },
  events: { title: 'The newest corrections and openings', formats: eventFormats },
  terms: { title: 'What every column means', formats: listFormats },
  latest: { title: 'The newest row of every series', formats: seriesFormats },
  observations: {
    title: 'Rows: datastream, station, property, from, to, quality, asOf, order',
    formats: seriesFormats,
  },
};

export function addIndex(app: FastifyInstance, context: ApiContext): void {
  addFixedBody(app, {
    path: '/openapi.json',
    type: 'application/json; charset=utf-8',
    make: () => app.swagger(),
  });
  addFixedBody(app, {
    path: '/registry-file.schema.json',
    type: 'application/schema+json; charset=utf-8',
    make: registryFileJsonSchema,
  });
  const index = z.looseObject({ links: z.array(z.looseObject({ href: z.string() })) });
  const options = {
    schema: {
      summary: 'Everything that there is.',
      querystring: z.strictObject({}),
      response: objectReplies(index, { description: 'Links.', headers: followedHeaders }),
      tags: ['readings'],
    },
  };
  app.get('/', options, async (request, reply) => {
    const root = baseUrl(context, request);
    const linkBelow =
      (base: string): MakeLink =>
      (rel, title, formats = ['json']) => ({ rel, href: `${base}/${rel}`, title, formats });
    const links = [...catalogueLinks(linkBelow(root)), ...linksOf(linkBelow(`${root}/api/v1`))];
    const { cursor } = await context.places.at(context.store.position);
    return reply
      .header('quantrac-cursor', cursor)
      .header('cache-control', 'public, max-age=1')
      .header('content-type', 'application/json; charset=utf-8')
      .send(JSON.stringify({ name: 'Quantrac', version: 'v1', cursor, links }));
  });
}

type MakeLink = (rel: string, title: string, formats?: readonly string[]) => object;

/** Of answers that are tables and nothing more. */
const findFormats: readonly Format[] = ['json', 'csv', 'ndjson'];
/** Where portals look: at the root. */
function catalogueLinks(link: MakeLink): object[] {
  return [
    link('catalog', 'The catalogue of the datasets, DCAT-AP 3', ['ttl', 'rdf', 'jsonld']),
    link('data.json', 'The catalogue of the datasets, DCAT-US 1.1'),
    link('api/3/action/package_search', 'The catalogue of the datasets as CKAN has it'),
  ];
}
function linksOf(link: MakeLink): object[] {
  return [
    ...Object.entries(lists).map(([name, { title, formats }]) => link(name, title, formats)),
    link('dictionary', 'Every property, field and word of quality explained', findFormats),
    link('usage', 'How much each dataset is used', findFormats),
    link('search?q={words}', 'Stations, properties, datasets and owners by name', findFormats),
    link('observations/{id}', 'One observation with its revisions, raw value and tests'),
    link('aggregates', 'Windows PT1M, PT1H, P1D, P1M, P1Y in local time', seriesFormats),
    link('observations.svg', 'A chart of rows, to embed; observations.png too', ['svg', 'png']),
    link('aggregates.svg', 'A chart of windows, to embed; aggregates.png too', ['svg', 'png']),
    link('files', 'Files of closed months: Parquet and CSV', ['json', 'csv', 'ndjson']),
    link('datasets/{id}/files', 'Files of closed months of one dataset', ['json', 'csv', 'ndjson']),
    link('changes', 'What changed since a cursor'),
    link('webhooks', 'Changes sent to you, signed: POST an address'),
    link('live', 'Changes as they happen', ['text/event-stream']),
    link('access-requests/{id}', 'What has become of a request for access'),
    link('manifests', 'Signed, chained manifests of the open data'),
    link('manifests/keys', 'The keys that they are signed with'),
    link('datasets', 'Datasets with their descriptions and ways to get at them', [
      'json',
      'csv',
      'ndjson',
    ]),
    link(
      'datasets/{id}',
      'One dataset; below it dcat, iso19139.xml, schema.jsonld, datapackage.json',
    ),
    link('asyncapi.json', 'The description of what is pushed, AsyncAPI 3.0'),
    link('openapi.json', 'The description of all this, OpenAPI 3.1'),
    link('api-changes', 'What changed in the API itself', ['json', 'atom']),
    link('registry-file.schema.json', 'JSON Schema of the registry file'),
  ];
}
