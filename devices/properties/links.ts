import type { ObservedProperty } from '../model.ts';

/**
 * Links to published vocabularies. Only links that are true are made: the standard names of river
 * chemistry do not exist, and a `sea_water` name is never used for fresh water.
 *
 * Sources: CF Standard Name Table v83; WMO Codes Registry, WMDR tables 1-01-01 and 1-01-05
 * (wmo-im/wmds); Eionet air-quality pollutants; WISE observed properties; QUDT units.
 */
type Link = ObservedProperty['links'][number];
type Match = Link['match'];

/** CF standard name. */
export function cf(name: string, match: Match = 'exact'): Link {
  return { scheme: 'CF', match, uri: `http://vocab.nerc.ac.uk/standard_name/${name}/` };
}

/** WMO observed variable of the atmosphere, WMDR table 1-01-01. */
export function wmoAtmosphere(notation: number, match: Match = 'exact'): Link {
  return {
    scheme: 'WMO',
    match,
    uri: `http://codes.wmo.int/wmdr/ObservedVariableAtmosphere/${notation}`,
  };
}

/** WMO terrestrial observed variable, WMDR table 1-01-05. */
export function wmoTerrestrial(notation: number, match: Match = 'exact'): Link {
  return {
    scheme: 'WMO',
    match,
    uri: `http://codes.wmo.int/wmdr/ObservedVariableTerrestrial/${notation}`,
  };
}

/** Eionet air-quality pollutant. */
export function eionet(number: number, match: Match = 'exact'): Link {
  return {
    scheme: 'Eionet',
    match,
    uri: `http://dd.eionet.europa.eu/vocabulary/aq/pollutant/${number}`,
  };
}

/** WISE observed property of water. */
export function wise(code: string, match: Match = 'exact'): Link {
  return {
    scheme: 'WISE',
    match,
    uri: `http://dd.eionet.europa.eu/vocabulary/wise/ObservedProperty/${code}`,
  };
}

/** QUDT unit of the canonical unit. */
export function qudt(id: string, match: Match = 'exact'): Link {
  return { scheme: 'QUDT', match, uri: `http://qudt.org/vocab/unit/${id}` };
}
