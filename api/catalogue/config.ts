import { z } from 'zod';

const name = z.strictObject({ vi: z.string().min(1).max(500), en: z.string().min(1).max(500) });
const webAddress = z.url({ protocol: /^https?$/ });

/** What of the catalogue no registry knows: who publishes it, and what is to come. */
export const catalogueConfig = z.strictObject({
  title: name
    .optional()
    .describe('Title of the whole catalogue. None: open data of environmental monitoring.'),
  publisher: z
    .strictObject({
      name,
      email: z
        .email()
        .optional()
        .describe('Whom to ask about the data. None: no contact is stated.'),
      homepage: webAddress.optional().describe('Page about the publisher or its open data.'),
    })
    .optional()
    .describe(
      'Who answers for the catalogue. None: the catalogue says that its publisher is not stated.',
    ),
  datasetsPerPageMax: z
    .int()
    .min(1)
    .max(10_000)
    .default(100)
    .describe('Datasets of one page of the DCAT catalogue; then hydra:next.'),
  pageBytesMax: z
    .int()
    .min(1_000)
    .max(50_000_000)
    .default(50_000_000)
    .describe(
      'Bytes of one page of the DCAT catalogue, at most what harvesters take; a page that would be longer is answered 503: lower datasetsPerPageMax or filesPerDatasetMax.',
    ),
  filesPerDatasetMax: z
    .int()
    .min(0)
    .max(10_000)
    .default(240)
    .describe('Newest files that a dataset lists; older ones are in the index of files.'),
  firstRowsMs: z
    .int()
    .min(1_000)
    .max(86_400_000)
    .default(3_600_000)
    .describe('How long a first row of a series is taken as such before it is looked for again.'),
  plannedDatasets: z
    .array(
      z.strictObject({
        id: z
          .string()
          .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)
          .describe('Its own; it comes to be `planned~{id}` and is never used for another.'),
        title: name,
        description: name,
        owner: z
          .string()
          .optional()
          .describe('Id of an owner of the registry. None: the publisher.'),
        domain: z
          .enum(['weather', 'water', 'air', 'noise', 'soil', 'platform'])
          .describe('What it will be about.'),
        from: z.iso.date().describe('Day on which it is to be open.'),
      }),
    )
    .max(10_000)
    .default([])
    .describe('Datasets that will be opened, with their dates; a year has passed: take them out.'),
});

export type CatalogueConfig = z.infer<typeof catalogueConfig>;
