/** What entries of the registry file have in common: the forms of their members. */
import { z } from 'zod';
import { isDate, parseInstant } from './instant.ts';

/** Of everything that has one: case-sensitive, never reused. */
const idPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export const id = z
  .string()
  .regex(idPattern, 'must be 1 to 64 letters, digits, ".", "_" or "-", the first a letter or digit')
  .describe('Id: never reused, the same in topics, paths, files and feeds.');

export const text = (charactersMax: number) =>
  z
    .string()
    .min(1, 'must not be empty')
    .max(charactersMax, `must have at most ${charactersMax} characters`)
    // eslint-disable-next-line no-control-regex
    .regex(/^[^\u0000-\u001f\u007f\ufffd]*$/, 'must not have control characters');

export const name = z
  .strictObject({ vi: text(200), en: text(200) })
  .describe('Name in Vietnamese and English.');

export const visibility = z
  .enum(['open', 'recipients', 'internal'])
  .describe('Of a datastream, else of its station, else of its owner; none of them: open.');

export const instant = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}(?:[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2}))?$/, {
    abort: true,
    message: 'must be an RFC 3339 date, or date-time with offset',
  })
  .refine(
    (value) => isDate(value) || parseInstant(value) !== undefined,
    'must be a day and a time that exist',
  )
  .describe('RFC 3339 date-time with offset, or a date: the start of that day at the station.');

/** Of what belongs to no station, and so to no zone. */
export const dateTime = z
  .string()
  .max(40)
  .refine((value) => parseInstant(value) !== undefined, {
    abort: true,
    message: 'must be an RFC 3339 date-time with offset',
  })
  .describe('RFC 3339 date-time with offset.');

export const licence = text(500).describe(
  'SPDX id or URL of the licence: of a datastream, else of its station, else of its owner.',
);

export const attribution = text(500).describe(
  'Whom to name: of a datastream, else of its station, else of its owner.',
);

export const embargoUntil = dateTime.describe(
  'RFC 3339 date-time with offset. Until then what would be open is for recipients. Of a datastream, else of its station, else of its owner.',
);
