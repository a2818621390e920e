import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { registryFileJsonSchema, registryFileSchema } from './registry-file.ts';
import { wholeNetwork } from './registry/fixture.ts';

describe('the published JSON Schema', () => {
  it('is the one that the zod schema gives', () => {
    const published = readFileSync(new URL('registry-file.schema.json', import.meta.url), 'utf8');
    expect(JSON.parse(published)).toEqual(registryFileJsonSchema());
  });

  it('describes a closed form: unknown keys are errors at every level', () => {
    const text = JSON.stringify(registryFileJsonSchema());
    const objects = text.match(/"type":"object"/g)?.length;
    expect(text.match(/"additionalProperties":false/g)?.length).toBe(objects);
  });
});

describe('the form of the registry file', () => {
  it('takes a whole network, and parts of one', () => {
    expect(registryFileSchema.safeParse(wholeNetwork()).success).toBe(true);
    expect(registryFileSchema.safeParse({ format: 'quantrac-registry/1' }).success).toBe(true);
  });

  it('refuses the format of another version', () => {
    expect(registryFileSchema.safeParse({ format: 'quantrac-registry/2' }).success).toBe(false);
  });
});
