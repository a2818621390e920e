import type { Name, ObservedProperty } from '../../devices/model.ts';

/** What the domains of observed properties are called. */
export const domainNames: Readonly<Record<ObservedProperty['domain'], Name>> = {
  weather: { vi: 'Khí tượng', en: 'Weather' },
  water: { vi: 'Nước', en: 'Water' },
  air: { vi: 'Không khí', en: 'Air' },
  noise: { vi: 'Tiếng ồn', en: 'Noise' },
  soil: { vi: 'Đất', en: 'Soil' },
  platform: { vi: 'Thiết bị', en: 'Equipment' },
};
