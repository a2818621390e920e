/** Replies of routes whose answer is a text of some media type, for the API description. */
import { z } from 'zod';

import {
  problemReplies,
  validatedHeaders,
  type EmptyReply,
  type Header,
  type Replies,
} from '../description/replies.ts';
import type { ApiErrorCode } from '../errors.ts';

const { ETag, Vary } = validatedHeaders;
const headers: Readonly<Record<string, Header>> = {
  ETag,
  Vary,
  'Cache-Control': validatedHeaders['Cache-Control'],
};

const notModified: EmptyReply = {
  description: 'The answer of this ETag is still true.',
  headers,
  properties: z.null(),
};

/** With validators, without a cursor: of descriptions, not of data. */
export function textReplies(
  description: string,
  mediaTypes: readonly string[],
  problems: readonly ApiErrorCode[],
  schema?: z.ZodType,
): Replies {
  return {
    200: {
      description,
      headers,
      content: Object.fromEntries(
        mediaTypes.map((type) => [type, { schema: schema ?? schemaOf(type) }]),
      ),
    },
    304: notModified,
    ...problemReplies(problems),
  };
}

/** Every JSON among the texts is an object. */
function schemaOf(mediaType: string): z.ZodType {
  return /[/+]json$/.test(mediaType) ? z.looseObject({}) : z.string();
}
