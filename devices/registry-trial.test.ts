import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createManualClock } from './clock-manual.ts';
import { defaultDevicesConfig } from './config.ts';
import { openDatabase } from './database.ts';
import { createSeededRandom } from './random.ts';
import { openRegistryCopy, type RegistryCopy } from './registry-copy.ts';
import { openRegistryReader } from './registry-sqlite-reader.ts';
import { openRegistryWriter } from './registry-sqlite.ts';
import { openRegistryTrial, type RegistryTrial } from './registry-trial.ts';
import { registryContract } from './registry.contract.ts';
import type { RegistryReader, RegistryWriter } from './registry.ts';
import { sealed, type RegistryChangeset } from './registry/changeset.ts';
import { accessContract } from './registry/access.contract.ts';
import { credentialContract } from './registry/credentials.contract.ts';
import { wholeNetwork } from './registry/fixture.ts';
import { accepted, type RegistryUnderTest } from './registry/under-test.ts';
import { verifyRegistry } from './registry/verify.ts';
import { createRecordedTelemetry } from './telemetry-silent.ts';

const config = defaultDevicesConfig();

interface Ground {
  readonly folder: string;
  readonly clock: ReturnType<typeof createManualClock>;
  openCopy(name: string): RegistryCopy;
  openTrial(name: string, more?: object): RegistryTrial;
  openReader(name: string): RegistryReader;
  remove(): void;
}

function createGround(): Ground {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-trial-'));
  const clock = createManualClock(Date.UTC(2026, 0, 1));
  const random = createSeededRandom(5);
  const opened = new Set<{ close(): void }>();
  const keep = <One extends { close(): void }>(one: One): One => {
    opened.add(one);
    return one;
  };
  const pathOf = (name: string) => join(folder, `${name}.db`);
  return {
    folder,
    clock,
    openCopy: (name) => keep(openRegistryCopy(pathOf(name), config)),
    openTrial: (name, more) => keep(openRegistryTrial(pathOf(name), { clock, random, ...more })),
    openReader: (name) => keep(openRegistryReader(pathOf(name), { clock, config })),
    remove() {
      for (const one of opened) closeQuietly(one);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A test may have closed it itself: then SQLite says that it is not open. */
function closeQuietly(one: { close(): void }): void {
  try {
    one.close();
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes('not open')) throw error;
  }
}

function groundOfTest(): Ground {
  const ground = createGround();
  onTestFinished(() => ground.remove());
  return ground;
}

const none: ReadonlyMap<string, string> = new Map();

/** A writer whose every change is tried on one copy and written into it and another. */
function openThroughChangesets(): RegistryUnderTest {
  const ground = createGround();
  const copies = [ground.openCopy('one'), ground.openCopy('other')];
  const trial = ground.openTrial('one');
  let changes = 0;
  const through = <Result>(work: (writer: RegistryWriter) => Result): Result => {
    const { result, changeset } = trial.attempt(work, `change-${changes++}`);
    if (changeset !== null) {
      const step = { changesets: [changeset], notes: none, next: changes };
      for (const copy of copies) copy.take(step);
      trial.refresh();
    }
    return result;
  };
  const writer: RegistryWriter = {
    ...trial,
    importFile: (...given) => through((one) => one.importFile(...given)),
    provision: (...given) => through((one) => one.provision(...given)),
    pinCertificate: (...given) => through((one) => one.pinCertificate(...given)),
    unpinCertificate: (...given) => through((one) => one.unpinCertificate(...given)),
    createToken: (...given) => through((one) => one.createToken(...given)),
    revoke: (...given) => through((one) => one.revoke(...given)),
    requestAccess: (...given) => through((one) => one.requestAccess(...given)),
    decideAccess: (...given) => through((one) => one.decideAccess(...given)),
    grantAccess: (...given) => through((one) => one.grantAccess(...given)),
    withdrawAccess: (...given) => through((one) => one.withdrawAccess(...given)),
    closeRecipient: (...given) => through((one) => one.closeRecipient(...given)),
    followTime: (...given) => through((one) => one.followTime(...given)),
  };
  return {
    writer,
    clock: ground.clock,
    openReader: () => ground.openReader('other'),
    overlapMs: config.credentialOverlapHours * 3_600_000,
    remove: () => ground.remove(),
  };
}

describe('a registry written through changesets, and read from another copy', () => {
  registryContract(openThroughChangesets);
  accessContract(openThroughChangesets);
  credentialContract(openThroughChangesets);
});

function importOf(trial: RegistryTrial, content: unknown, id = 'x'): RegistryChangeset {
  const { changeset } = trial.attempt((writer) => accepted(writer.importFile(content, 'ann')), id);
  if (changeset === null) throw new Error('nothing was changed');
  return changeset;
}

const codeOf = (code: string) => ({
  format: 'quantrac-registry/1',
  owners: [{ ...wholeNetwork().owners[0], code }],
});

describe('a change on trial', () => {
  it('is not there afterwards', () => {
    const ground = groundOfTest();
    const trial = ground.openTrial('one');
    expect(importOf(trial, wholeNetwork()).version).toBe(1);
    expect(trial.refresh().version).toBe(0);
    expect(trial.history()).toEqual([]);
    expect(importOf(trial, wholeNetwork())).toMatchObject({ version: 1, previous: '' });
  });

  it('is one version: a second in the same work throws, and nothing is changed', () => {
    const trial = groundOfTest().openTrial('one');
    const work = (writer: RegistryWriter) => {
      writer.importFile(wholeNetwork(), 'ann');
      writer.createToken({ role: 'reader', actor: 'ann' });
    };
    expect(() => trial.attempt(work, 'x')).toThrow('one work makes one change');
    expect(importOf(trial, wholeNetwork()).version).toBe(1);
  });

  it('is told of once it counts, and not before', () => {
    const ground = groundOfTest();
    const telemetry = createRecordedTelemetry();
    const trial = ground.openTrial('one', { telemetry });
    const attempt = trial.attempt((writer) => writer.importFile(wholeNetwork(), 'ann'), 'x');
    const imports = (outcome: string) =>
      telemetry.value('quantrac_devices_imports_total', { outcome });
    expect(imports('changed')).toBeFalsy();
    attempt.tell();
    attempt.tell();
    expect(imports('changed')).toBe(2);
    const refused = (writer: RegistryWriter) => {
      writer.importFile({}, 'ann');
      throw new Error('refused');
    };
    expect(() => trial.attempt(refused, 'x')).toThrow('refused');
    expect(imports('refused')).toBe(1);
    const undone = (writer: RegistryWriter) => {
      writer.importFile(wholeNetwork(), 'ann');
      throw new Error('undone');
    };
    expect(() => trial.attempt(undone, 'x')).toThrow('undone');
    trial.attempt(() => 'nothing', 'x').tell();
    expect(imports('changed')).toBe(2);
  });

  it('differs from another one of the same content by its id alone', () => {
    const trial = groundOfTest().openTrial('one');
    const [one, other] = [
      importOf(trial, wholeNetwork(), 'a'),
      importOf(trial, wholeNetwork(), 'b'),
    ];
    expect(Buffer.from(one.bytes).equals(other.bytes)).toBe(true);
    expect(one.digest).not.toBe(other.digest);
  });

  it('holds no secret, in no form but its hash', () => {
    const ground = groundOfTest();
    const copy = ground.openCopy('one');
    const trial = ground.openTrial('one');
    copy.take({ changesets: [importOf(trial, wholeNetwork())], notes: none, next: 1 });
    const provision = (writer: RegistryWriter) =>
      writer.provision(['probe'], { rotate: false, actor: 'ann' });
    const { result, changeset } = trial.attempt(provision, 'x');
    const bytes = Buffer.from(changeset?.bytes ?? []).toString('latin1');
    expect(bytes).toContain('probe');
    expect(bytes).not.toContain(result[0]?.password);
  });
});

describe('a copy', () => {
  function withTwo(): { readonly ground: Ground; readonly chain: readonly RegistryChangeset[] } {
    const ground = groundOfTest();
    const copy = ground.openCopy('source');
    const trial = ground.openTrial('source');
    const chain = [wholeNetwork(), codeOf('B'), codeOf('C')].map((content, at) => {
      const changeset = importOf(trial, content);
      copy.take({ changesets: [changeset], notes: none, next: at + 1 });
      return changeset;
    });
    return { ground, chain };
  }

  it('takes many versions at once, and holds them with their place over a restart', () => {
    const { ground, chain } = withTwo();
    const copy = ground.openCopy('node');
    copy.take({ changesets: chain, notes: new Map([['node/1', 'a']]), next: 77 });
    copy.close();
    const again = ground.openCopy('node');
    expect([again.version, again.next, again.note('node/1')]).toEqual([3, 77, 'a']);
    expect([0, 1, 2, 3, 4].map((version) => again.digestAt(version))).toEqual([
      '',
      ...chain.map(({ digest }) => digest),
      undefined,
    ]);
    expect(again.note('node/2')).toBeUndefined();
    expect(ground.openReader('node').current().owners.get('ministry')?.code).toBe('C');
    expect(verifyRegistry(join(ground.folder, 'node.db'))).toEqual({ problems: [], version: 3 });
  });

  it('passes over what it holds, comparing it', () => {
    const { ground, chain } = withTwo();
    const copy = ground.openCopy('node');
    copy.take({ changesets: chain.slice(0, 2), notes: none, next: 2 });
    copy.take({ changesets: chain, notes: none, next: 3 });
    expect([copy.version, copy.next]).toEqual([3, 3]);
    const other = sealed({ ...(chain[1] as RegistryChangeset), id: 'another' });
    expect(() => copy.take({ changesets: [other], notes: none, next: 4 })).toThrow(
      expect.objectContaining({ code: 'DEVICES_COPY_DIFFERS' }),
    );
  });

  it('is as it was before a step that cannot be taken whole', () => {
    const { ground, chain } = withTwo();
    const copy = ground.openCopy('node');
    const [first, , third] = chain as [RegistryChangeset, RegistryChangeset, RegistryChangeset];
    const step = { changesets: [first, third], notes: new Map([['a', 'b']]), next: 9 };
    expect(() => copy.take(step)).toThrow(
      expect.objectContaining({
        code: 'DEVICES_COPY_DIFFERS',
        fields: { version: 3, held: 1, reason: 'versions are missing' },
      }),
    );
    expect([copy.version, copy.next, copy.note('a')]).toEqual([0, 0, undefined]);
    copy.take({ changesets: chain, notes: none, next: 3 });
    expect(copy.version).toBe(3);
  });

  it.each([
    ['a byte is wrong', (one: RegistryChangeset) => ({ ...one, bytes: flipped(one.bytes) })],
    ['it follows another version', (one: RegistryChangeset) => sealed({ ...one, previous: 'x' })],
    ['it is cut short', (one: RegistryChangeset) => sealed({ ...one, bytes: one.bytes.slice(9) })],
    ['it is empty', (one: RegistryChangeset) => sealed({ ...one, bytes: new Uint8Array() })],
  ])('refuses a version when %s', (_what, change) => {
    const { ground, chain } = withTwo();
    const copy = ground.openCopy('node');
    const changesets = [change(chain[0] as RegistryChangeset)];
    expect(() => copy.take({ changesets, notes: none, next: 1 })).toThrow(
      expect.objectContaining({ code: 'DEVICES_COPY_DIFFERS' }),
    );
    expect(copy.version).toBe(0);
  });

  it('refuses a version whose rows stand in the way, and one of newer tables by name', () => {
    const { ground, chain } = withTwo();
    const copy = ground.openCopy('node');
    const database = openDatabase(join(ground.folder, 'node.db'));
    onTestFinished(() => database.close());
    database.exec("INSERT INTO series VALUES (0, 'da-lat.temperature')");
    const [first] = chain as [RegistryChangeset];
    const take = (changeset: RegistryChangeset) => () =>
      copy.take({ changesets: [changeset], notes: none, next: 1 });
    expect(take(first)).toThrow(expect.objectContaining({ code: 'DEVICES_COPY_DIFFERS' }));
    expect(take(sealed({ ...first, tables: 99 }))).toThrow(
      expect.objectContaining({ code: 'DEVICES_REGISTRY_NEWER' }),
    );
  });

  it('is no registry to be written by one machine, nor made of one', () => {
    const ground = groundOfTest();
    const { clock } = ground;
    const random = createSeededRandom(1);
    ground.openCopy('copy');
    expect(() => openRegistryWriter(join(ground.folder, 'copy.db'), { clock, random })).toThrow(
      expect.objectContaining({ code: 'DEVICES_REGISTRY_COPY' }),
    );
    const own = openRegistryWriter(join(ground.folder, 'own.db'), { clock, random });
    own.importFile(wholeNetwork(), 'ann');
    own.close();
    const isOwn = expect.objectContaining({ code: 'DEVICES_REGISTRY_OWN' });
    expect(() => ground.openCopy('own')).toThrow(isOwn);
    expect(() => ground.openTrial('own')).toThrow(isOwn);
  });
});

function flipped(bytes: Uint8Array): Uint8Array {
  const wrong = Uint8Array.from(bytes);
  wrong[200] = (wrong[200] ?? 0) ^ 255;
  return wrong;
}
