/**
 * The datasets that a question was about, as far as they are open: what only some may see is in no
 * figure. A dataset's share is that of its datastreams among those selected.
 */
import { datasetsOf } from '../catalogue/datasets.ts';
import type { Select } from '../limits/selections.ts';
import type { NetworkView } from '../network.ts';
import type { Subject } from './tally.ts';

/** Of datasets of networks by id, parts of the whole; together less than 1 where some is hidden. */
export type Shares = ReadonlyMap<string, number>;

/** `open` is what everybody sees. */
export function sharesOf(subject: Subject, open: NetworkView, select: Select): Shares {
  const datasets = datasetsOf(open);
  if ('dataset' in subject) {
    const found = datasets.find(subject.dataset);
    const [datastream] = found?.datastreams ?? [];
    const network = datastream === undefined ? undefined : datasets.networkOf(datastream);
    return network === undefined ? new Map() : new Map([[network.id, 1]]);
  }
  const selected = select(subject.view, subject.query);
  const counts = new Map<string, number>();
  for (const { id } of selected) {
    const datastream = open.registry.datastreams.get(id);
    const network = datastream === undefined ? undefined : datasets.networkOf(datastream);
    if (network !== undefined) counts.set(network.id, (counts.get(network.id) ?? 0) + 1);
  }
  return new Map([...counts].map(([id, count]) => [id, count / selected.length]));
}

/** Parts of a whole number by their shares, so that they add up to what the shares add up to. */
export function divide(whole: number, shares: Shares): ReadonlyMap<string, number> {
  const parts = new Map<string, number>();
  let upto = 0;
  let given = 0;
  for (const [id, share] of shares) {
    upto += share;
    const end = Math.round(whole * upto);
    parts.set(id, end - given);
    given = end;
  }
  return parts;
}
