import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defaultDevicesConfig, devicesConfigSchema } from './config.ts';
import { devicesErrors } from './errors.ts';

describe('configuration of devices', () => {
  it('has a default, bounds and a description for every key', () => {
    const { properties = {} } = z.toJSONSchema(devicesConfigSchema, { io: 'input' });
    for (const schema of Object.values(properties)) {
      expect(schema).toMatchObject({
        description: expect.stringMatching(/\.$/),
        default: expect.any(Number),
        minimum: expect.any(Number),
        maximum: expect.any(Number),
      });
    }
    expect(Object.keys(properties)).toEqual(Object.keys(defaultDevicesConfig()));
  });

  it('refuses unknown keys and secrets of less than 128 bits', () => {
    expect(devicesConfigSchema.safeParse({ credentialBytes: 15 }).success).toBe(false);
    expect(devicesConfigSchema.safeParse({ credentialByte: 16 }).success).toBe(false);
    expect(devicesConfigSchema.safeParse({ credentialOverlapHours: 0 }).success).toBe(true);
  });
});

describe('errors of devices', () => {
  it('carry the prefix of the room, a message and what to do', () => {
    for (const [code, { message, meaning }] of Object.entries(devicesErrors)) {
      expect(code).toMatch(/^DEVICES_[A-Z_]+$/);
      expect(message).toMatch(/\.$/);
      expect(meaning).toMatch(/\.$/);
    }
  });
});
