import { hash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createManualClock, type ManualClock } from './clock-manual.ts';
import { defaultDevicesConfig } from './config.ts';
import { openDatabase } from './database.ts';
import { createSeededRandom, openSystemRandom } from './random.ts';
import { registryContract } from './registry.contract.ts';
import { openRegistryReader } from './registry-sqlite-reader.ts';
import { openRegistryWriter } from './registry-sqlite.ts';
import { accessContract } from './registry/access.contract.ts';
import { credentialContract } from './registry/credentials.contract.ts';
import { wholeNetwork } from './registry/fixture.ts';
import type { RegistryUnderTest } from './registry/under-test.ts';
import { generatedNetwork } from './registry/fixture-generated.ts';
import { stableText } from './registry/records.ts';
import {
  checkRegistry,
  migrateRegistry,
  registryFormat,
  registrySteps,
} from './registry/tables.ts';
import { verifyRegistry } from './registry/verify.ts';
import type { RegistryReader, RegistryWriter } from './registry.ts';
import { createRecordedTelemetry } from './telemetry-silent.ts';

interface Folder {
  readonly path: string;
  readonly clock: ManualClock;
  openWriter(options?: Partial<Parameters<typeof openRegistryWriter>[1]>): RegistryWriter;
  openReader(): RegistryReader;
  remove(): void;
}

function createFolder(): Folder {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-registry-'));
  const path = join(folder, 'registry.db');
  const clock = createManualClock(Date.UTC(2026, 0, 1));
  const opened: (RegistryReader | RegistryWriter)[] = [];
  const keep = <One extends RegistryReader>(one: One): One => {
    opened.push(one);
    return one;
  };
  return {
    path,
    clock,
    openWriter: (options) =>
      keep(openRegistryWriter(path, { clock, random: openSystemRandom(), ...options })),
    openReader: () => keep(openRegistryReader(path, { clock, config: defaultDevicesConfig() })),
    remove() {
      for (const one of opened) closeQuietly(one);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A test may have closed it itself: then SQLite says that it is not open. */
function closeQuietly(one: RegistryReader): void {
  try {
    one.close();
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes('not open')) throw error;
  }
}

function folderOfTest(): Folder {
  const folder = createFolder();
  onTestFinished(() => folder.remove());
  return folder;
}

function openEmpty(): RegistryUnderTest {
  const folder = createFolder();
  return {
    writer: folder.openWriter(),
    clock: folder.clock,
    openReader: () => folder.openReader(),
    overlapMs: defaultDevicesConfig().credentialOverlapHours * 3_600_000,
    remove: () => folder.remove(),
  };
}

registryContract(openEmpty);
accessContract(openEmpty);
credentialContract(openEmpty);

describe('the file', () => {
  it('holds everything over a restart', () => {
    const folder = folderOfTest();
    const first = folder.openWriter();
    first.importFile(wholeNetwork(), 'ann');
    const [secret] = first.provision(['probe'], { rotate: false, actor: 'ann' });
    const exported = first.exportFile();
    first.close();
    const second = folder.openWriter();
    expect(second.current().version).toBe(2);
    expect(second.exportFile()).toEqual(exported);
    expect(second.authenticate('probe', secret?.password ?? '')?.subject).toBe('probe');
    expect(second.current().bySeries.map((one) => one?.id)).toEqual([
      'da-lat.temperature',
      'da-lat.pressure',
      'outlet.nitrate',
    ]);
  });

  it('holds no secret, in no form but its hash', () => {
    const folder = folderOfTest();
    const writer = folder.openWriter();
    writer.importFile(wholeNetwork(), 'ann');
    const [device] = writer.provision(['probe'], { rotate: false, actor: 'ann' });
    const token = writer.createToken({ role: 'operator', actor: 'ann' });
    writer.close();
    const bytes = readFileSync(folder.path).toString('latin1');
    expect(bytes).toContain('logger-1');
    expect(bytes).not.toContain(device?.password);
    expect(bytes).not.toContain(token.secret);
  });

  it('lets two connections write one after the other', () => {
    const folder = folderOfTest();
    const [one, two] = [folder.openWriter(), folder.openWriter()];
    one.importFile(wholeNetwork(), 'ann');
    const part = {
      format: 'quantrac-registry/1',
      owners: [{ ...wholeNetwork().owners[0], code: 'B' }],
    };
    expect(two.importFile(part, 'bob')).toMatchObject({ ok: true, version: 2, changed: 1 });
    expect(one.refresh().owners.get('ministry')?.code).toBe('B');
  });

  it.each([
    ['history', 'UPDATE history SET actor = 1', 'history is append-only'],
    ['history', 'DELETE FROM history', 'history is append-only'],
    ['series', 'UPDATE series SET series = 9 WHERE series = 0', 'a series keeps its number'],
    ['series', 'DELETE FROM series', 'a series keeps its number'],
    ['credential', 'DELETE FROM credential', 'a credential is revoked, never deleted'],
    ['credential', "UPDATE credential SET subject = 'probe'", 'never changes what it opens'],
    ['credential', 'UPDATE credential SET revoked_at = NULL', 'a revoked credential stays revoked'],
  ])('protects its %s from "%s"', (_table, sql, message) => {
    const folder = folderOfTest();
    const writer = folder.openWriter();
    writer.importFile(wholeNetwork(), 'ann');
    writer.provision(['logger-1'], { rotate: false, actor: 'ann' });
    writer.revoke('logger-1', 'ann');
    const database = openDatabase(folder.path);
    onTestFinished(() => database.close());
    expect(() => database.exec(sql)).toThrow(message);
  });
});

describe('formats', () => {
  it('refuses a newer one by name, and writes nothing', () => {
    const folder = folderOfTest();
    folder.openWriter().close();
    const database = openDatabase(folder.path);
    database.exec('PRAGMA user_version = 99');
    database.exec('PRAGMA journal_mode = DELETE');
    database.close();
    const before = readFileSync(folder.path);
    const newer = expect.objectContaining({
      code: 'DEVICES_REGISTRY_NEWER',
      fields: { path: folder.path, format: 99, newest: registryFormat },
    });
    expect(() => folder.openWriter()).toThrow(newer);
    expect(() => folder.openReader()).toThrow(newer);
    expect(readFileSync(folder.path).equals(before)).toBe(true);
    expect(readdirSync(join(folder.path, '..'))).toEqual(['registry.db']);
  });

  it('refuses a database of another program, and a file that is none', () => {
    const folder = folderOfTest();
    const database = openDatabase(folder.path);
    database.exec('CREATE TABLE mine (id)');
    database.close();
    const foreign = expect.objectContaining({ code: 'DEVICES_REGISTRY_FOREIGN' });
    expect(() => folder.openWriter()).toThrow(foreign);
    expect(() => folder.openReader()).toThrow(foreign);
    writeFileSync(folder.path, 'not a database, but long enough to be taken for one'.repeat(100));
    expect(() => folder.openWriter()).toThrow(foreign);
  });

  it('refuses to read a registry that is not there, and does not make it', () => {
    const folder = folderOfTest();
    expect(() => folder.openReader()).toThrow(
      expect.objectContaining({ code: 'DEVICES_REGISTRY_MISSING' }),
    );
    expect(existsSync(folder.path)).toBe(false);
    writeFileSync(folder.path, '');
    expect(() => folder.openReader()).toThrow(
      expect.objectContaining({ code: 'DEVICES_REGISTRY_MISSING' }),
    );
  });

  it('migrates an older one step by step, all or nothing', () => {
    const folder = folderOfTest();
    const writer = folder.openWriter();
    writer.importFile(wholeNetwork(), 'ann');
    writer.close();
    const database = openDatabase(folder.path);
    onTestFinished(() => database.close());
    const failing = [
      ...registrySteps,
      () => database.exec('CREATE TABLE note (text)'),
      () => database.exec('nonsense'),
    ];
    expect(() => migrateRegistry(database, folder.path, failing)).toThrow('syntax error');
    const next = registryFormat + 1;
    expect(checkRegistry(database, folder.path)).toBe(registryFormat);
    expect(migrateRegistry(database, folder.path, failing.slice(0, next))).toBe(registryFormat);
    expect(checkRegistry(database, folder.path, next)).toBe(next);
    expect(database.prepare('SELECT count(*) AS rows FROM history').get()?.['rows']).toBe(19);
    expect(migrateRegistry(database, folder.path, failing.slice(0, next))).toBe(next);
  });

  it('keeps every token of format 1, which was nobody else’s, and takes on those of recipients', () => {
    const folder = folderOfTest();
    const old = openDatabase(folder.path);
    migrateRegistry(old, folder.path, registrySteps.slice(0, 1));
    const secret = 'qtk_of_format_one';
    old
      .prepare(
        "INSERT INTO credential VALUES (1, 'token', 'token-1', 'reader', NULL, ?, 1, NULL, NULL, 1)",
      )
      .run(hash('sha256', secret, 'buffer'));
    old.close();
    const writer = folder.openWriter();
    writer.importFile(wholeNetwork(), 'ann');
    expect(writer.authenticateToken(secret)).toEqual({
      kind: 'token',
      subject: 'token-1',
      role: 'reader',
    });
    const wanted = { role: 'reader', recipient: 'health-institute', actor: 'ann' } as const;
    const key = writer.createToken(wanted);
    expect(writer.authenticateToken(key.secret)).toMatchObject({ recipient: 'health-institute' });
    writer.close();
    expect(verifyRegistry(folder.path)).toEqual({ problems: [], version: 2 });
  });

  it('names the row that cannot be read', () => {
    const folder = folderOfTest();
    const writer = folder.openWriter();
    const database = openDatabase(folder.path);
    onTestFinished(() => database.close());
    database.exec("INSERT INTO history VALUES (1, 1, 0, 'x', 'owner', 'broken', NULL, '{')");
    expect(() => writer.refresh()).toThrow(
      expect.objectContaining({
        code: 'DEVICES_REGISTRY_CORRUPT',
        fields: { kind: 'owner', id: 'broken' },
      }),
    );
    expect(writer.current().version).toBe(0);
  });
});

describe('import and export of any network', () => {
  it('gives back what came in, in any order, and twice changes nothing', () => {
    const folder = folderOfTest();
    fc.assert(
      fc.property(generatedNetwork(), fc.boolean(), (network, reversed) => {
        rmSync(folder.path, { force: true });
        const writer = openRegistryWriter(folder.path, {
          clock: folder.clock,
          random: createSeededRandom(1),
        });
        try {
          const file = reversed
            ? {
                ...network,
                datastreams: network.datastreams.toReversed(),
                deployments: network.deployments.toReversed(),
              }
            : network;
          expect(writer.importFile(file, 'ann')).toMatchObject({ ok: true });
          const exported = writer.exportFile();
          expect(writer.importFile(exported, 'bob')).toMatchObject({ ok: true, changed: 0 });
          expect(writer.importFile(network, 'bob')).toMatchObject({ ok: true, changed: 0 });
          expect(writer.exportFile()).toEqual(exported);
          expect(sorted(exported as object)).toEqual(sorted(network));
        } finally {
          writer.close();
          for (const suffix of ['-wal', '-shm']) rmSync(`${folder.path}${suffix}`, { force: true });
        }
      }),
      { numRuns: 60 },
    );
  });
});

/** Lists as sets: an export sorts them, and leaves out the two later ones while they are empty. */
function sorted(file: object): unknown {
  const written = Object.entries(file).filter(
    ([key, list]: [string, unknown]) =>
      !['recipients', 'grants'].includes(key) || (list as unknown[]).length > 0,
  );
  return written.map(([key, list]: [string, unknown]) => [
    key,
    Array.isArray(list) ? list.map(stableText).toSorted() : list,
  ]);
}

describe('what is told', () => {
  it('one line and one count for each occurrence, and never a secret', () => {
    const folder = folderOfTest();
    const telemetry = createRecordedTelemetry();
    const writer = folder.openWriter({ telemetry });
    writer.importFile(wholeNetwork(), 'ann');
    writer.importFile(wholeNetwork(), 'ann');
    writer.importFile({}, 'ann');
    const secrets = writer.provision(['probe', 'gateway'], { rotate: false, actor: 'ann' });
    writer.provision(['probe'], { rotate: true, actor: 'ann' });
    writer.pinCertificate('probe', 'ab'.repeat(32), 'ann');
    const token = writer.createToken({ role: 'operator', actor: 'ann' });
    writer.revoke(token.id, 'ann');
    const counted = (change: string) =>
      telemetry.value('quantrac_devices_credentials_total', { change });
    expect(['issued', 'rotated', 'certificate', 'token', 'revoked'].map(counted)).toEqual([
      2, 1, 1, 1, 1,
    ]);
    const imports = (outcome: string) =>
      telemetry.value('quantrac_devices_imports_total', { outcome });
    expect(['changed', 'unchanged', 'refused'].map(imports)).toEqual([1, 1, 1]);
    expect(telemetry.value('quantrac_devices_registry_version')).toBe(1);
    const text = JSON.stringify(telemetry.lines);
    for (const secret of [token.secret, ...secrets.map(({ password }) => password ?? '?')]) {
      expect(text).not.toContain(secret);
    }
  });
});
