import jsonld, { type Quad } from 'jsonld';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { lists, named, openFormatsRig, type FormatsRig } from './formats.fixture.ts';

let rig: FormatsRig;

beforeAll(async () => {
  rig = await openFormatsRig();
});
afterAll(() => rig.close());

describe('JSON-LD', () => {
  const noNetwork = (url: string) => Promise.reject(new Error(`${url} was to be fetched`));
  const sosa = 'http://www.w3.org/ns/sosa/';
  const type = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#type';

  async function quadsOf(path: string): Promise<readonly Quad[]> {
    const document = await rig.json(`/api/v1/${path}`);
    return jsonld.toRDF(document, { documentLoader: noNetwork });
  }

  test.each(lists)('of %s is expanded without a network into a node an item', async (list) => {
    const items = await rig.itemsOf(list);
    const document = await rig.json(`/api/v1/${named(list, 'jsonld')}`);
    const expanded = await jsonld.expand(document, { documentLoader: noNetwork });
    expect(expanded).toHaveLength(items.length);
    for (const node of expanded) {
      expect(String(node['@id'])).toMatch(/^http:\/\/127\.0\.0\.1/);
      expect(node['@type']).toBeDefined();
    }
  });

  test('says of a row what SOSA and QUDT say', async () => {
    const quads = await quadsOf('observations.jsonld?datastream=ha-noi-temperature&limit=5');
    const [item] = await rig
      .itemsOf('observations?datastream=ha-noi-temperature&limit=5')
      .then((items) => items.slice(4));
    const subject = `${rig.url}/api/v1/observations/${String(item?.['id'])}`;
    const of = (about: string, predicate: string) =>
      quads
        .filter((quad) => quad.subject.value === about && quad.predicate.value === predicate)
        .map(({ object }) => object);
    const values = (about: string, predicate: string) =>
      of(about, predicate).map(({ value }) => value);
    expect(values(subject, type)).toEqual([`${sosa}Observation`]);
    expect(of(subject, `${sosa}hasSimpleResult`)).toMatchObject([
      { value: '2.64E1', datatype: { value: 'http://www.w3.org/2001/XMLSchema#double' } },
    ]);
    expect(of(subject, `${sosa}resultTime`)).toMatchObject([
      {
        value: item?.['resultTime'],
        datatype: { value: 'http://www.w3.org/2001/XMLSchema#dateTime' },
      },
    ]);
    expect(values(subject, `${sosa}hasFeatureOfInterest`)).toEqual([
      `${rig.url}/id/station/ha-noi`,
    ]);
    expect(values(subject, `${sosa}observedProperty`)).toEqual([
      `${rig.url}/id/property/air-temperature`,
    ]);
    const datastream = `${rig.url}/id/datastream/ha-noi-temperature`;
    expect(values(subject, `${sosa}madeBySensor`)).toEqual([`${datastream}#sensor`]);
    expect(values(subject, `${sosa}usedProcedure`)).toEqual([`${datastream}#procedure`]);
    const [result = ''] = values(subject, `${sosa}hasResult`);
    expect(values(result, 'http://qudt.org/schema/qudt/hasUnit')).toEqual([
      'http://qudt.org/vocab/unit/DEG_C',
    ]);
    expect(values(result, 'http://qudt.org/schema/qudt/numericValue')).toEqual(['2.64E1']);
    const [time = ''] = values(subject, `${sosa}phenomenonTime`);
    expect(values(time, type)).toEqual(['http://www.w3.org/2006/time#Interval']);
    const [end = ''] = values(time, 'http://www.w3.org/2006/time#hasEnd');
    expect(values(end, 'http://www.w3.org/2006/time#inXSDDateTimeStamp')).toEqual([
      String(item?.['phenomenonTime']).split('/')[1],
    ]);
    expect(values(subject, `${rig.url}/api/v1/terms/flag`)).toEqual([`${rig.url}/id/flag/1`]);
  });

  test('names no result where a value is missing', async () => {
    const quads = await quadsOf('observations.jsonld?datastream=hue-rain');
    expect(
      quads.filter(({ predicate }) => /hasSimpleResult|hasResult/.test(predicate.value)),
    ).toEqual([]);
    expect(quads.map(({ object }) => object.value)).toContain('MISSING');
  });

  test('links stations to sensors, sensors to properties, properties to vocabularies, in two languages', async () => {
    const stations = await quadsOf('stations.jsonld?station=ha-noi');
    const labels = stations.filter(({ predicate }) => predicate.value.endsWith('#label'));
    expect(new Set(labels.map(({ object }) => object.language))).toEqual(new Set(['en', 'vi']));
    const hosted = stations.filter(({ predicate }) => predicate.value === `${sosa}hosts`);
    const datastreams = await quadsOf('datastreams.jsonld?station=ha-noi');
    const observing = datastreams.filter(({ predicate }) => predicate.value === `${sosa}observes`);
    expect(new Set(hosted.map(({ object }) => object.value))).toEqual(
      new Set(observing.map(({ subject }) => subject.value)),
    );
    const properties = await quadsOf('properties.jsonld?property=air-temperature');
    expect(properties.map(({ object }) => object.value)).toContain(
      'http://codes.wmo.int/wmdr/ObservedVariableAtmosphere/12166',
    );
  });
});
