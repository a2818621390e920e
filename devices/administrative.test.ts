import { describe, expect, it } from 'vitest';
import {
  mergerDate,
  provinceHolds,
  provinceOf,
  provinces2004,
  provinces2025,
} from './administrative.ts';

const never = { beforeMerger: false, afterMerger: false };
const before = { ...never, beforeMerger: true };
const after = { ...never, afterMerger: true };
const both = { beforeMerger: true, afterMerger: true };

describe('provinces', () => {
  it('are 34 since the merger and were 63 before it, each code once', () => {
    expect(new Set(provinces2025.map(({ code }) => code)).size).toBe(34);
    expect(provinces2025).toHaveLength(34);
    expect(new Set(provinces2004.map(({ code }) => code)).size).toBe(63);
    expect(provinces2004).toHaveLength(63);
    for (const { code } of [...provinces2004, ...provinces2025]) expect(code).toMatch(/^\d{2}$/);
  });

  it('went, each of the 63, into one of the 34, and every one of the 34 came of some', () => {
    const codes = new Set(provinces2025.map(({ code }) => code));
    const successors = new Set(provinces2004.map(({ successor }) => successor));
    expect(successors).toEqual(codes);
  });

  it('have names in composed Vietnamese', () => {
    for (const { name } of [...provinces2004, ...provinces2025]) {
      expect(name).not.toBe('');
      expect(name.normalize('NFC')).toBe(name);
    }
  });

  it('change the meaning of a code on the day of the merger', () => {
    expect(provinceOf('15', '2025-06-30')?.name).toBe('Yên Bái');
    expect(provinceOf('15', mergerDate)?.name).toBe('Lào Cai');
    expect(provinceOf('74', '2024-01-01')?.successor).toBe('79');
    expect(provinceOf('74', '2025-07-01')).toBeUndefined();
  });

  it('hold for a period only where they held throughout', () => {
    expect(provinceHolds('01', both)).toBe(true);
    expect(provinceHolds('74', before)).toBe(true);
    expect(provinceHolds('74', after)).toBe(false);
    expect(provinceHolds('74', both)).toBe(false);
    expect(provinceHolds('03', before)).toBe(false);
  });

  it('abroad are ISO 3166-2 and taken as they are', () => {
    expect(provinceHolds('GB-LND', both)).toBe(true);
    expect(provinceHolds('VN-HN', after)).toBe(false);
  });
});
