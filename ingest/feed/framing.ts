/** How a door says changes: the hub is the same for all of them. */
import type { Datastream } from '../../devices/model.ts';

export interface ToldChange {
  /** As JSON, the cursor in it. */
  readonly text: string;
  /** Behind this change. */
  readonly cursor: string;
  /** Whose change it is; undefined where the registry in force does not know it any more. */
  readonly datastream: Datastream | undefined;
}

/** What a door writes at once; its length is in bytes. */
export interface Chunk {
  readonly length: number;
}

export interface Framing<Written extends Chunk> {
  /** Doors that say changes in the same way have the same name. */
  readonly name: string;
  join(changes: readonly ToldChange[]): Written;
  /** Says that the stream is alive, and the place up to which it has come. */
  beat(cursor: string): Written;
}

/** Server-sent events (HTML Living Standard §9.2): the cursor is the id, so that a client resumes there. */
export const eventFraming: Framing<Buffer> = {
  name: 'events',
  join: (changes) =>
    Buffer.from(
      changes.map(({ text, cursor }) => `event: change\nid: ${cursor}\ndata: ${text}\n\n`).join(''),
    ),
  // A comment for proxies, and an id without data: the client notes it and is told nothing.
  beat: (cursor) => Buffer.from(`: \nid: ${cursor}\n\n`),
};
