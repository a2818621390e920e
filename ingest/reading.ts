/**
 * A reading: a message exactly as it was delivered, and the few other things that enter the log
 * `readings`, since whatever changes an observation must enter there (design.md §4, one decider).
 */
export const doors = ['internal', 'mqtt', 'http', 'files', 'bridge'] as const;
export type Door = (typeof doors)[number];

export const readingKinds = [
  /** A device's message with measurements. */
  'message',
  /** A device's message on `…/obs/backfill`: never moves latest. */
  'backfill',
  /** State, last will, birth: settled as control. */
  'control',
  /** Marker: from here on the registry version in the payload is in force. */
  'registry',
  /** Marker before each reading in careful mode: how often ingest has tried it. */
  'attempt',
  /** A person's or a job's decision about observations (review, erasure, reprocess step). */
  'decision',
  /** A quarantined reading offered again after a fix: the payload names its position. */
  'replay',
] as const;
export type ReadingKind = (typeof readingKinds)[number];

/** Where in the cluster a reading was taken in; on one machine readings have none. */
export interface ReadingOrigin {
  /** `cluster.node`, from 1. */
  readonly node: number;
  /** In that node's own log of readings. */
  readonly position: number;
  /** Its number among what the node sent to this partition: 1 for the first, without holes. */
  readonly sequence: number;
}

/** A reading that the worker of one partition found to concern series of another. */
export interface ReadingPassage {
  /** Partition whose worker passed it on. */
  readonly from: number;
  /** The registry version that was in force there. */
  readonly registryVersion: number;
}

/** What came is no reading that can be run, and was known so before ingest: it is quarantined. */
export interface ReadingFault {
  readonly code: string;
  readonly detail: string;
  /** How many readings this one stands for: each has its position and its sequence, the last is named. */
  readonly readings: number;
}

export interface Reading {
  readonly kind: ReadingKind;
  readonly door: Door;
  /** Integer ms UTC, by the receiving node's clock. */
  readonly receivedAt: number;
  /** Empty for markers. */
  readonly device: string;
  /** Topic or path. */
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly origin?: ReadingOrigin;
  readonly passed?: ReadingPassage;
  readonly fault?: ReadingFault;
}
