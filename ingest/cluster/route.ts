/**
 * Where a record of a node's own log goes in the topic `readings`. Device messages of a station share
 * a partition, so that its series are decided by one worker in the order in which a node took them in;
 * a worker that finds a value of another partition's series passes it on, so a route is never a
 * question of right or wrong, only of the way round.
 *
 *   a device's messages      by its first station, else by its own id
 *   a replay, a dismissal    where the reading that it names stands (`readingPlace`)
 *   a decision on a series   by the series' station
 *   a decision on a device   by the device, as its messages
 *   a decision on an owner   by the owner's id
 *   a decision on all        partition 0
 *   everything else          by the node: what it says of itself, and what nobody understands
 */
import type { Registry } from '../../devices/registry.ts';
import { parseDecision, parseReplay } from '../decisions.ts';
import type { Position } from '../log/log.ts';
import type { Reading } from '../reading.ts';
import { partitionOf } from './partition-of.ts';

/** A place in `readings` is one number: so many partitions a topic has at most. */
export const partitionsMax = 1_024;

export function readingPlace(offset: number, partition: number): Position {
  return (offset + 1) * partitionsMax + partition;
}

export function partitionOfPlace(place: Position): number {
  return place % partitionsMax;
}

export function offsetOfPlace(place: Position): number {
  return Math.floor(place / partitionsMax) - 1;
}

/** The first offset of a partition whose place is not before a position. */
export function offsetFrom(position: Position, partition: number): number {
  return Math.max(0, Math.ceil((position - partition) / partitionsMax) - 1);
}

export interface Route {
  /** Null where a place, not a key, decides. */
  readonly key: string | null;
  readonly partition: number;
}

/** Routes under one version of the registry. */
export interface Router {
  routeOf(reading: Pick<Reading, 'kind' | 'device' | 'payload'>): Route;
  /** Of what names no device: control records of the node itself. */
  readonly ofNode: Route;
}

export interface RouterOptions {
  readonly registry: Registry;
  readonly partitions: number;
  readonly node: number;
}

export function createRouter(options: RouterOptions): Router {
  const { registry, partitions } = options;
  const ofNode = byKey(`node-${options.node}`, partitions);
  const known = new Map<string, Route>();

  function routeOfDevice(device: string): Route {
    const remembered = known.get(device);
    if (remembered !== undefined) return remembered;
    const route = byKey(firstStationOf(registry, device) ?? device, partitions);
    // Only devices of the registry are remembered: their number is bounded by it.
    if (registry.devices.has(device)) known.set(device, route);
    return route;
  }

  function routeOfPlace(place: Position): Route {
    const partition = partitionOfPlace(place);
    return partition < partitions ? { key: null, partition } : ofNode;
  }

  function routeOfDecision(payload: Uint8Array): Route {
    const decision = parseDecision(textOf(payload));
    if (decision === undefined) return ofNode;
    if (decision.decision === 'dismiss') return routeOfPlace(decision.position);
    if (decision.series !== null) {
      const station = registry.bySeries[decision.series]?.station;
      return station === undefined ? ofNode : byKey(station, partitions);
    }
    if (decision.decision === 'reprocess') return ofAll;
    if (decision.device !== null) return routeOfDevice(decision.device);
    return decision.owner === null ? ofAll : byKey(decision.owner, partitions);
  }

  return {
    ofNode,
    routeOf({ kind, device, payload }) {
      switch (kind) {
        case 'message':
        case 'backfill':
        case 'control':
          return device === '' ? ofNode : routeOfDevice(device);
        case 'replay': {
          const place = parseReplay(textOf(payload))?.position;
          return place === undefined ? ofNode : routeOfPlace(place);
        }
        case 'decision':
          return routeOfDecision(payload);
        case 'registry':
        case 'attempt':
          return ofNode;
      }
    },
  };
}

const ofAll: Route = { key: null, partition: 0 };

function byKey(key: string, partitions: number): Route {
  return { key, partition: partitionOf(key, partitions) };
}

/** The smallest id, by code units, of the stations that the device serves or once served. */
function firstStationOf(registry: Registry, device: string): string | undefined {
  let first: string | undefined;
  for (const bindings of registry.channelsOf(device)?.values() ?? []) {
    for (const { station } of bindings) {
      if (first === undefined || station.id < first) first = station.id;
    }
  }
  return first;
}

function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('utf8');
}
