/**
 * The description of a month's files after Data Package 2.0 (datapackage.org): what the files are,
 * their bytes and hashes, whose they are and under which terms, and what each column means.
 */
import type { DescribedColumn } from './columns.ts';
import { csvColumns, parquetColumns } from './columns.ts';
import type { MonthTask } from './task.ts';

export interface DescribedFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface PackageParts {
  readonly version: string;
  readonly rows: number;
  /** End of the first and the last row, ms UTC. */
  readonly firstAt: number;
  readonly lastAt: number;
  readonly files: Readonly<Record<'parquet' | 'csv' | 'csvw', DescribedFile>>;
}

const profile = 'https://datapackage.org/profiles/2.0/datapackage.json';
const tableProfile = 'https://datapackage.org/profiles/2.0/tableschema.json';

export function describePackage(task: MonthTask, parts: PackageParts): object {
  const { parquet, csv, csvw } = parts.files;
  const { month, title, description, owner, licences } = task;
  return {
    $schema: profile,
    name: nameOf(`${task.dataset}-${month}`),
    // RFC 6920: named by its content, so the same wherever it is kept.
    id: `ni:///sha-256;${Buffer.from(parquet.sha256, 'hex').toString('base64url')}`,
    title: `${title.en}, ${month}`,
    description: `${description.en} Rows whose phenomenonTime ends in ${month}, in the local time of each station.`,
    titles: { vi: `${title.vi}, ${month}`, en: `${title.en}, ${month}` },
    descriptions: {
      vi: `${description.vi} Các dòng có phenomenonTime kết thúc trong tháng ${month}, theo giờ địa phương của từng trạm.`,
      en: `${description.en} Rows whose phenomenonTime ends in ${month}, in the local time of each station.`,
    },
    ...(task.baseUrl === null
      ? {}
      : { homepage: `${task.baseUrl}/api/v1/datasets/${task.dataset}` }),
    version: parts.version,
    created: new Date(task.madeAt).toISOString(),
    licenses: licences.map((licence) => ({
      name: licence.id,
      path: licence.uri,
      title: licence.title.en,
    })),
    sources: [{ title: task.attribution ?? owner.en }],
    contributors: [{ title: owner.en, roles: ['publisher'] }],
    dataset: task.dataset,
    month,
    cursor: task.cursor,
    registryVersion: task.registryVersion,
    rows: parts.rows,
    temporal: {
      firstAt: new Date(parts.firstAt).toISOString(),
      lastAt: new Date(parts.lastAt).toISOString(),
    },
    resources: [
      resource(task, 'parquet', {
        file: parquet,
        format: 'parquet',
        mediatype: 'application/vnd.apache.parquet',
        columns: parquetColumns,
      }),
      {
        ...resource(task, 'csv', {
          file: csv,
          format: 'csv',
          mediatype: 'text/csv',
          columns: csvColumns,
        }),
        compression: 'gz',
        encoding: 'utf-8',
      },
      {
        name: 'csv-metadata',
        path: csvw.name,
        format: 'json',
        mediatype: 'application/csvm+json',
        bytes: csvw.bytes,
        hash: `sha256:${csvw.sha256}`,
      },
    ],
  };
}

interface TableParts {
  readonly file: DescribedFile;
  readonly format: string;
  readonly mediatype: string;
  readonly columns: readonly DescribedColumn[];
}

function resource(
  task: MonthTask,
  name: string,
  { file, format, mediatype, columns }: TableParts,
): object {
  return {
    name,
    type: 'table',
    path: file.name,
    format,
    mediatype,
    bytes: file.bytes,
    hash: `sha256:${file.sha256}`,
    schema: {
      $schema: tableProfile,
      fields: columns.map((column) => fieldOf(task, column)),
      missingValues: [''],
      primaryKey: ['id'],
    },
  };
}

function fieldOf(task: MonthTask, column: DescribedColumn): object {
  const { name, type, title, description, isRequired, values, unit } = column;
  const constraints = {
    ...(isRequired ? { required: true } : {}),
    ...(name === 'id' ? { unique: true } : {}),
    ...(values === undefined ? {} : { enum: values }),
  };
  return {
    name,
    type,
    title: title.en,
    titles: title,
    description,
    constraints,
    ...(unit === undefined ? {} : { unit }),
    // UCUM; of a row it stands in the column `unit`.
    ...(name === 'result' ? { units: unitsOf(task) } : {}),
  };
}

function unitsOf({ properties }: MonthTask): Readonly<Record<string, string>> {
  return Object.fromEntries(properties.map(({ id, unit }) => [id, unit]));
}

/** The standard asks for lower case and these signs alone. */
function nameOf(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z0-9._-]/g, '_');
}
