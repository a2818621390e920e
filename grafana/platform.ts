/** The platform about itself: is every reading accounted for, how late is it, what is refused, what is full. */
import type { Dashboard } from './dashboard.ts';
import { cluster, machines } from './nodes.ts';
import { lag, promises, refused } from './traffic.ts';

const prometheus = { type: 'prometheus', uid: 'quantrac-prometheus' } as const;

export const platform: Dashboard = {
  uid: 'quantrac-platform',
  title: ['Quantrac: nền tảng', 'Quantrac: platform'],
  about: 'Whether every reading is accounted for, how late it is, what is refused, what is full.',
  tags: ['quantrac'],
  source: prometheus,
  refresh: '30s',
  from: 'now-3h',
  variables: [
    {
      name: 'instance',
      label: 'Nút · Node',
      type: 'query',
      datasource: prometheus,
      query: { query: 'label_values(up{job="quantrac"}, instance)', refId: 'instance' },
      refresh: 2,
      includeAll: true,
      multi: true,
      current: { selected: true, text: ['All'], value: ['$__all'] },
      sort: 1,
    },
  ],
  sections: [promises, lag, refused, cluster, machines],
};
