/** `/api/v1/api-changes`: what changed in the API itself, for people and for their feed readers. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';

import { baseUrl } from '../answer.ts';
import type { ApiContext } from '../context.ts';
import { conditionalHeaders, objectReplies, validatedHeaders } from '../description/replies.ts';
import { answerObject } from '../object-answer.ts';
import { viewerOf } from '../viewer.ts';
import { apiChanges, type ApiChange } from './api-changes.ts';

const nameSchema = z.strictObject({ vi: z.string(), en: z.string() });

const feedSchema = z.strictObject({
  version: z.string().describe('Of the reading API; the first number changes with what breaks.'),
  rule: nameSchema,
  changes: z.array(
    z.strictObject({
      id: z.string(),
      date: z.iso.date(),
      kind: z.enum(['added', 'deprecated', 'removed']),
      title: nameSchema,
      text: nameSchema,
      adds: z.array(z.string()).describe('Beginnings of new addresses.'),
    }),
  ),
});

/** Of what outsiders build on; `info.version` of the API description. */
export const apiVersion = '1.1.0';

const rule = {
  vi: 'Trong phiên bản 1 chỉ có bổ sung: địa chỉ, tham số không bắt buộc, thành phần và giá trị mới. Không gì bị bỏ, đổi tên hay đổi nghĩa. Thứ sắp ngừng được báo trước ít nhất 180 ngày và chỉ ngừng ở phiên bản sau.',
  en: 'Version 1 only grows: new addresses, optional parameters, members and values. Nothing is removed, renamed or given another meaning. What is to end is announced at least 180 days before, and ends only with the next version.',
};

export function addApiChanges(app: FastifyInstance, context: ApiContext): void {
  const schema = {
    querystring: z.strictObject({}),
    headers: conditionalHeaders,
    tags: ['readings'],
  };
  const described = { description: 'The changes, newest first.', headers: validatedHeaders };
  app.get(
    '/api-changes',
    {
      schema: {
        ...schema,
        summary: 'Changes of the API itself, newest first, and the rule that they follow.',
        response: objectReplies(feedSchema, described),
      },
    },
    async (request, reply) =>
      answerObject(context, request, reply, {
        ...(await aboutOf(context, request.headers.authorization)),
        text: () => JSON.stringify({ version: apiVersion, rule, changes: apiChanges }),
      }),
  );
  const atom = 'application/atom+xml';
  const replies = objectReplies(feedSchema, described);
  app.get(
    '/api-changes.atom',
    {
      schema: {
        ...schema,
        summary: 'The same as an Atom feed (RFC 4287).',
        response: {
          ...replies,
          200: { ...replies['200'], content: { [atom]: { schema: z.string() } } },
        },
      },
    },
    async (request, reply) => {
      const base = baseUrl(context, request);
      return answerObject(context, request, reply, {
        ...(await aboutOf(context, request.headers.authorization)),
        mediaType: `${atom}; charset=utf-8`,
        text: () => atomOf(base, apiChanges),
      });
    },
  );
}

/** Nothing in the observations or the registry changes these answers. */
async function aboutOf(context: ApiContext, authorization: string | undefined) {
  return {
    viewer: viewerOf(context.registry, authorization),
    registryVersion: context.networks.version,
    intervalMs: undefined,
    moment: await context.places.at(context.store.position),
    unchangedSince: () => true,
  };
}

/** Ids are tags of RFC 4151, so that an entry is the same on every server and under every address. */
function atomOf(base: string, changes: readonly ApiChange[]): string {
  const self = `${base}/api/v1/api-changes.atom`;
  const updated = changes[0]?.date ?? '2026-11-22';
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<feed xmlns="http://www.w3.org/2005/Atom">',
    '<title>Quantrac API</title>',
    '<id>tag:quantrac,2026:api-changes</id>',
    `<updated>${updated}T00:00:00Z</updated>`,
    '<author><name>Quantrac</name></author>',
    `<link rel="self" type="application/atom+xml" href="${escapeXml(self)}"/>`,
    ...changes.map((change) => entryOf(base, change)),
    '</feed>',
    '',
  ].join('\n');
}

function entryOf(base: string, { id, date, kind, title, text }: ApiChange): string {
  return [
    '<entry>',
    `<title>${escapeXml(`${title.vi} · ${title.en}`)}</title>`,
    `<id>tag:quantrac,2026:api-changes:${id}</id>`,
    `<updated>${date}T00:00:00Z</updated>`,
    `<category term="${kind}"/>`,
    `<link rel="alternate" type="application/json" href="${escapeXml(base)}/api/v1/api-changes"/>`,
    `<summary xml:lang="vi">${escapeXml(text.vi)}</summary>`,
    `<content type="text" xml:lang="en">${escapeXml(text.en)}</content>`,
    '</entry>',
  ].join('\n');
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => escapes[character] ?? '');
}
