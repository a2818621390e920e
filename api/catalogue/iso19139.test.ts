import { expect, test } from 'vitest';

import { openTestApi, startAt } from '../api.fixture.ts';

/**
 * Order of children by the sequences of the XSD of ISO 19139 (gmd: metadataEntity, identification,
 * citation, extent, distribution, dataQuality, maintenance, constraints, freeText). Only what is
 * written here is listed; what is not listed may not occur.
 */
const sequences: Readonly<Record<string, readonly string[]>> = {
  'gmd:MD_Metadata':
    'fileIdentifier language characterSet hierarchyLevel contact dateStamp metadataStandardName metadataStandardVersion dataSetURI locale referenceSystemInfo identificationInfo distributionInfo dataQualityInfo'.split(
      ' ',
    ),
  'gmd:MD_DataIdentification':
    'citation abstract status pointOfContact resourceMaintenance descriptiveKeywords resourceConstraints spatialRepresentationType language characterSet topicCategory extent'.split(
      ' ',
    ),
  'gmd:CI_Citation': ['title', 'date', 'identifier'],
  'gmd:CI_Date': ['date', 'dateType'],
  'gmd:CI_ResponsibleParty': ['organisationName', 'contactInfo', 'role'],
  'gmd:CI_Contact': ['address', 'onlineResource'],
  'gmd:MD_MaintenanceInformation': [
    'maintenanceAndUpdateFrequency',
    'userDefinedMaintenanceFrequency',
  ],
  'gmd:MD_Keywords': ['keyword', 'type'],
  'gmd:MD_LegalConstraints': ['accessConstraints', 'useConstraints', 'otherConstraints'],
  'gmd:EX_Extent': ['description', 'geographicElement', 'temporalElement'],
  'gmd:EX_GeographicBoundingBox': [
    'westBoundLongitude',
    'eastBoundLongitude',
    'southBoundLatitude',
    'northBoundLatitude',
  ],
  'gml:TimePeriod': ['beginPosition', 'endPosition'],
  'gmd:MD_Distribution': ['distributionFormat', 'transferOptions'],
  'gmd:MD_Format': ['name', 'version'],
  'gmd:CI_OnlineResource': ['linkage', 'protocol', 'name', 'function'],
  'gmd:DQ_DataQuality': ['scope', 'lineage'],
  'gmd:PT_Locale': ['languageCode', 'characterEncoding'],
  'gmd:RS_Identifier': ['code', 'codeSpace'],
};

interface Node {
  readonly name: string;
  readonly children: Node[];
}

/** Throws where tags do not match: well-formed as far as elements go. */
function parse(xml: string): Node {
  const root: Node = { name: '', children: [] };
  const open = [root];
  for (const [, end, name = '', empty] of xml.matchAll(
    /<(\/?)([a-zA-Z_]+:[A-Za-z_0-9]+)[^>]*?(\/?)>/g,
  )) {
    if (end === '/') {
      const last = open.pop();
      if (last?.name !== name) throw new Error(`</${name}> ends <${last?.name}>`);
      continue;
    }
    const node: Node = { name, children: [] };
    open.at(-1)?.children.push(node);
    if (empty !== '/') open.push(node);
  }
  if (open.length !== 1) throw new Error('not closed');
  return root;
}

function faultsOf({ name, children }: Node): readonly string[] {
  const order = sequences[name];
  const places = children.map((child) => order?.indexOf(child.name.split(':')[1] ?? '') ?? 0);
  const isInOrder = places.every((place, index) => place >= 0 && place >= (places[index - 1] ?? 0));
  return [...(isInOrder ? [] : [name]), ...children.flatMap(faultsOf)];
}

test('geographic metadata have their elements in the order of the XSD, and both languages', async () => {
  const rig = await openTestApi();
  try {
    await rig.publish([rig.row('ha-noi-temperature', startAt)]);
    const xml = await (await rig.get('/api/v1/datasets/agency~weather/iso19139.xml')).text();
    const root = parse(xml);
    expect(root.children.map(({ name }) => name)).toEqual(['gmd:MD_Metadata']);
    expect(faultsOf(root)).toEqual([]);
    const swapped = xml.replace(
      /(<gmd:fileIdentifier>.*?<\/gmd:fileIdentifier>)(.*?<\/gmd:language>)/,
      '$2$1',
    );
    expect(faultsOf(parse(swapped))).toEqual(['gmd:MD_Metadata']);
    expect(xml).toContain('<gco:CharacterString>Khí tượng – Sở</gco:CharacterString>');
    expect(xml).toContain('locale="#locale-en">Weather – Agency</gmd:LocalisedCharacterString>');
    expect(xml).toContain('<gml:beginPosition>2024-06-01T00:00:00Z</gml:beginPosition>');
    expect(xml).not.toMatch(/&(?!amp;|lt;|gt;|quot;)/);
  } finally {
    await rig.close();
  }
});
