import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createManualClock } from '../devices/clock-manual.ts';
import { openSystemClock } from '../devices/clock-system.ts';
import { chooseProfile, parseProfile, registryFileOfProfile } from './profile.ts';
import { parseRecords } from './records.ts';
import { replay } from './replay.ts';

const profileText = readFileSync(
  join(import.meta.dirname, 'profiles/water-quality-2020.json'),
  'utf8',
);
const profile = parseProfile(profileText);
const header = 'datetime_local,temp_c,cond_us_cm,ph,do_mg_l,turb_ntu,stage_cm';
const text = `${header}\n2020-01-01T00:00,2.25,368.1,8.34,11.51,2.95,67.67\r\n2020-01-01T00:15,-9999,,8.33,11.480,2.94,67.55\n`;

async function sentBy(time: 'shifted' | 'as-is'): Promise<string[]> {
  const sent: string[] = [];
  const acknowledged = await replay({
    clock: time === 'as-is' ? openSystemClock() : createManualClock(Date.UTC(2026, 0, 1, 10, 3)),
    profile,
    rows: parseRecords(text, profile),
    time,
    speed: 'max',
    rowsPerMessage: 1,
    inflightMax: 4,
    device: { publishText: async (_, message) => void sent.push(String(message)) },
    onProgress: () => {},
  });
  expect(acknowledged).toBe(2);
  return sent;
}

test('as it is, a row keeps its own instant and its cells', async () => {
  expect((await sentBy('as-is'))[1]).toBe(
    'time,temp_c,cond_us_cm,ph,do_mg_l,turb_ntu,stage_cm\n2020-01-01T07:15:00Z,-9999,,8.33,11.480,2.94,67.55',
  );
});

test('shifted, the last row lies at most one interval before now and none in the future', async () => {
  const times = (await sentBy('shifted')).map((message) => message.split('\n')[1]?.split(',')[0]);
  expect(times).toEqual(['2026-01-01T09:45:00Z', '2026-01-01T10:00:00Z']);
});

test('a refusal ends the replay with its reason', async () => {
  await expect(
    replay({
      clock: openSystemClock(),
      profile,
      rows: parseRecords(text, profile),
      time: 'as-is',
      speed: 'max',
      rowsPerMessage: 1,
      inflightMax: 1,
      device: { publishText: () => Promise.reject(new Error('not authorised')) },
      onProgress: () => {},
    }),
  ).rejects.toThrow('not authorised');
});

test('shipped profiles are chosen by the columns of the file, and describe a whole network', () => {
  expect(chooseProfile(header.split(','))?.station.id).toBe('real-river-sonde');
  expect(chooseProfile(['time', 'x'])).toBeUndefined();
  const file = registryFileOfProfile(profile) as { deployments: { channel: string }[] };
  expect(file.deployments.map(({ channel }) => channel)).toEqual(Object.keys(profile.columns));
});
