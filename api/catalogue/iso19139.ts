/**
 * Geographic metadata of a dataset by ISO 19115:2003 as ISO 19139:2007 writes it in XML, for
 * GeoNetwork and other catalogues of maps. Vietnamese is the language of the record; English stands
 * beside each text as PT_FreeText. The order of elements is that of the XSD's sequences.
 */
import type { Name } from '../../devices/model.ts';
import type { Publisher } from './dcat/publisher.ts';
import { secondsText } from './description.ts';
import type { Domain } from './datasets.ts';
import type { Entry } from './entry.ts';
import type { Box } from './extent.ts';
import { durationOf } from './vocabulary.ts';
import { element, escapeXml } from './xml.ts';

const namespaces = {
  'xmlns:gmd': 'http://www.isotc211.org/2005/gmd',
  'xmlns:gco': 'http://www.isotc211.org/2005/gco',
  'xmlns:gts': 'http://www.isotc211.org/2005/gts',
  'xmlns:gml': 'http://www.opengis.net/gml/3.2',
  'xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance',
  'xsi:schemaLocation':
    'http://www.isotc211.org/2005/gmd http://schemas.opengis.net/iso/19139/20070417/gmd/gmd.xsd',
} as const;

const codeLists = 'http://standards.iso.org/iso/19139/resources/gmxCodelists.xml';
const englishLocale = 'locale-en';

const topics: Readonly<Record<Domain, string>> = {
  weather: 'climatologyMeteorologyAtmosphere',
  water: 'inlandWaters',
  air: 'environment',
  noise: 'environment',
  soil: 'geoscientificInformation',
  platform: 'environment',
};

export function iso19139(entry: Entry, publisher: Publisher): string {
  const stampAt = entry.modifiedAt ?? entry.issuedAt;
  const record = element('gmd:MD_Metadata', namespaces, [
    gmd('fileIdentifier', [plainText(entry.id)]),
    gmd('language', [languageCode('vie')]),
    gmd('characterSet', [code('MD_CharacterSetCode', 'utf8')]),
    gmd('hierarchyLevel', [code('MD_ScopeCode', 'dataset')]),
    gmd('contact', [party(publisher, 'pointOfContact')]),
    gmd('dateStamp', [element('gco:DateTime', {}, [secondsText(stampAt).slice(0, 19)])]),
    gmd('metadataStandardName', [plainText('ISO 19115:2003/19139')]),
    gmd('metadataStandardVersion', [plainText('1.0')]),
    gmd('dataSetURI', [plainText(entry.uri)]),
    gmd('locale', [
      element('gmd:PT_Locale', { id: englishLocale }, [
        gmd('languageCode', [languageCode('eng')]),
        gmd('characterEncoding', [code('MD_CharacterSetCode', 'utf8')]),
      ]),
    ]),
    gmd('referenceSystemInfo', [referenceSystem()]),
    gmd('identificationInfo', [identification(entry, publisher)]),
    ...(entry.distributions.length === 0 ? [] : [gmd('distributionInfo', [distribution(entry)])]),
    gmd('dataQualityInfo', [quality()]),
  ]);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${record}\n`;
}

function identification(entry: Entry, publisher: Publisher): string {
  const { intervalMs, state, owner } = entry;
  const provider = { ...publisher, name: owner?.name ?? publisher.name };
  return gmd('MD_DataIdentification', [
    gmd('citation', [citation(entry)]),
    freeText('abstract', entry.description),
    gmd('status', [code('MD_ProgressCode', state === 'planned' ? 'planned' : 'onGoing')]),
    gmd('pointOfContact', [party(provider, 'owner')]),
    ...(intervalMs === undefined ? [] : [gmd('resourceMaintenance', [maintenance(intervalMs)])]),
    gmd('descriptiveKeywords', [keywords(entry)]),
    ...entry.licences.map((licence) =>
      gmd('resourceConstraints', [
        gmd('MD_LegalConstraints', [
          gmd('accessConstraints', [code('MD_RestrictionCode', 'otherRestrictions')]),
          gmd('useConstraints', [code('MD_RestrictionCode', 'license')]),
          freeText('otherConstraints', {
            vi: `${licence.title.vi}: ${licence.uri}`,
            en: `${licence.title.en}: ${licence.uri}`,
          }),
        ]),
      ]),
    ),
    gmd('spatialRepresentationType', [code('MD_SpatialRepresentationTypeCode', 'textTable')]),
    gmd('language', [languageCode('vie')]),
    gmd('language', [languageCode('eng')]),
    gmd('characterSet', [code('MD_CharacterSetCode', 'utf8')]),
    gmd('topicCategory', [element('gmd:MD_TopicCategoryCode', {}, [topics[entry.domain]])]),
    ...extents(entry),
  ]);
}

function citation({ title, uri, issuedAt, modifiedAt }: Entry): string {
  const date = (at: number, type: string) =>
    gmd('date', [
      gmd('CI_Date', [
        gmd('date', [element('gco:DateTime', {}, [secondsText(at).slice(0, 19)])]),
        gmd('dateType', [code('CI_DateTypeCode', type)]),
      ]),
    ]);
  return gmd('CI_Citation', [
    freeText('title', title),
    date(issuedAt, 'publication'),
    ...(modifiedAt === undefined ? [] : [date(modifiedAt, 'revision')]),
    gmd('identifier', [gmd('MD_Identifier', [gmd('code', [plainText(uri)])])]),
  ]);
}

function maintenance(intervalMs: number): string {
  return gmd('MD_MaintenanceInformation', [
    gmd('maintenanceAndUpdateFrequency', [
      code('MD_MaintenanceFrequencyCode', maintenanceFrequency(intervalMs)),
    ]),
    gmd('userDefinedMaintenanceFrequency', [
      element('gts:TM_PeriodDuration', {}, [durationOf(intervalMs)]),
    ]),
  ]);
}

const dayMs = 86_400_000;

function maintenanceFrequency(intervalMs: number): string {
  if (intervalMs < dayMs) return 'continual';
  if (intervalMs === dayMs) return 'daily';
  return intervalMs <= 7 * dayMs ? 'weekly' : 'asNeeded';
}

function keywords({ keywords: { pairs } }: Entry): string {
  return gmd('MD_Keywords', [
    ...pairs.map((word) => freeText('keyword', word)),
    gmd('type', [code('MD_KeywordTypeCode', 'theme')]),
  ]);
}

function extents({ box, startAt, places }: Entry): readonly string[] {
  if (box === undefined && startAt === undefined && places.length === 0) return [];
  const names = places.map(({ name }) => name).join(', ');
  return [
    gmd('extent', [
      gmd('EX_Extent', [
        ...(names === '' ? [] : [gmd('description', [plainText(names)])]),
        ...(box === undefined ? [] : [gmd('geographicElement', [boundingBox(box)])]),
        ...(startAt === undefined ? [] : [gmd('temporalElement', [period(startAt)])]),
      ]),
    ]),
  ];
}

function boundingBox({ west, east, south, north }: Box): string {
  const degrees = (name: string, value: number) =>
    gmd(name, [element('gco:Decimal', {}, [String(value)])]);
  return gmd('EX_GeographicBoundingBox', [
    degrees('westBoundLongitude', west),
    degrees('eastBoundLongitude', east),
    degrees('southBoundLatitude', south),
    degrees('northBoundLatitude', north),
  ]);
}

function period(startAt: number): string {
  return gmd('EX_TemporalExtent', [
    gmd('extent', [
      element('gml:TimePeriod', { 'gml:id': 'period' }, [
        element('gml:beginPosition', {}, [secondsText(startAt)]),
        element('gml:endPosition', { indeterminatePosition: 'now' }, []),
      ]),
    ]),
  ]);
}

function distribution({ distributions }: Entry): string {
  const formats = [...new Set(distributions.map(({ kind }) => kind.label))];
  return gmd('MD_Distribution', [
    ...formats.map((format) =>
      gmd('distributionFormat', [
        gmd('MD_Format', [
          gmd('name', [plainText(format)]),
          element('gmd:version', { 'gco:nilReason': 'inapplicable' }, []),
        ]),
      ]),
    ),
    gmd('transferOptions', [
      gmd(
        'MD_DigitalTransferOptions',
        distributions.map(({ url, title, file }) =>
          gmd('onLine', [
            gmd('CI_OnlineResource', [
              gmd('linkage', [gmd('URL', [escapeXml(url)])]),
              gmd('protocol', [plainText(file === undefined ? 'WWW:LINK' : 'WWW:DOWNLOAD')]),
              freeText('name', title),
              gmd('function', [
                code('CI_OnLineFunctionCode', file === undefined ? 'information' : 'download'),
              ]),
            ]),
          ]),
        ),
      ),
    ]),
  ]);
}

function quality(): string {
  return gmd('DQ_DataQuality', [
    gmd('scope', [gmd('DQ_Scope', [gmd('level', [code('MD_ScopeCode', 'dataset')])])]),
    gmd('lineage', [
      gmd('LI_Lineage', [
        freeText('statement', {
          vi: 'Do thiết bị tại trạm đo và gửi về, được kiểm tra tự động; mọi hiệu chỉnh đều được lưu.',
          en: 'Measured and sent by devices at the stations and checked automatically; every correction is kept.',
        }),
      ]),
    ]),
  ]);
}

function referenceSystem(): string {
  return gmd('MD_ReferenceSystem', [
    gmd('referenceSystemIdentifier', [
      gmd('RS_Identifier', [
        gmd('code', [plainText('http://www.opengis.net/def/crs/EPSG/0/4326')]),
        gmd('codeSpace', [plainText('EPSG')]),
      ]),
    ]),
  ]);
}

function party(publisher: Publisher, role: string): string {
  const { name, email, homepage } = publisher;
  const address =
    email === undefined
      ? []
      : [gmd('address', [gmd('CI_Address', [gmd('electronicMailAddress', [plainText(email)])])])];
  const page =
    homepage === undefined
      ? []
      : [
          gmd('onlineResource', [
            gmd('CI_OnlineResource', [gmd('linkage', [gmd('URL', [escapeXml(homepage)])])]),
          ]),
        ];
  const contact = [...address, ...page];
  return gmd('CI_ResponsibleParty', [
    freeText('organisationName', name),
    ...(contact.length === 0 ? [] : [gmd('contactInfo', [gmd('CI_Contact', contact)])]),
    gmd('role', [code('CI_RoleCode', role)]),
  ]);
}

function gmd(name: string, children: readonly string[]): string {
  return element(`gmd:${name}`, {}, children);
}

function plainText(text: string): string {
  return element('gco:CharacterString', {}, [escapeXml(text)]);
}

function freeText(name: string, { vi, en }: Name): string {
  return element(`gmd:${name}`, { 'xsi:type': 'gmd:PT_FreeText_PropertyType' }, [
    plainText(vi),
    gmd('PT_FreeText', [
      gmd('textGroup', [
        element('gmd:LocalisedCharacterString', { locale: `#${englishLocale}` }, [escapeXml(en)]),
      ]),
    ]),
  ]);
}

function code(list: string, value: string): string {
  const attributes = { codeList: `${codeLists}#${list}`, codeListValue: value };
  return element(`gmd:${list}`, attributes, [value]);
}

/** ISO 639-2. */
function languageCode(value: 'vie' | 'eng'): string {
  const attributes = {
    codeList: 'http://www.loc.gov/standards/iso639-2/',
    codeListValue: value,
  };
  return element('gmd:LanguageCode', attributes, [value]);
}
