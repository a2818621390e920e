import { describe, expect, it, onTestFinished } from 'vitest';
import { wholeNetwork } from './registry/fixture.ts';
import { accepted, fingerprint, secretOf, type RegistryUnderTest } from './registry/under-test.ts';

/**
 * What every registry promises. Each implementation's test file calls it once, and
 * `credentialContract` beside it.
 */
export function registryContract(open: () => RegistryUnderTest): void {
  function start(): RegistryUnderTest {
    const registry = open();
    onTestFinished(() => registry.remove());
    return registry;
  }

  function startWithNetwork(): RegistryUnderTest {
    const registry = start();
    accepted(registry.writer.importFile(wholeNetwork(), 'ann'));
    return registry;
  }

  describe('versions', () => {
    it('begins empty at version 0', () => {
      const { writer } = start();
      expect(writer.current().version).toBe(0);
      expect(writer.current().stations.size).toBe(0);
      expect(writer.at(0).datastreams.size).toBe(0);
      expect(writer.history()).toEqual([]);
    });

    it('makes one version of one import, however much it holds', () => {
      const { writer } = start();
      const outcome = accepted(writer.importFile(wholeNetwork(), 'ann'));
      expect(outcome).toEqual({ ok: true, version: 1, changed: 19 });
      expect(writer.current().version).toBe(1);
    });

    it('shows a reader the next version when it refreshes, and not before', () => {
      const registry = start();
      const reader = registry.openReader();
      accepted(registry.writer.importFile(wholeNetwork(), 'ann'));
      expect(reader.current().version).toBe(0);
      expect(reader.refresh().version).toBe(1);
      expect(reader.current().stations.get('da-lat')?.name.vi).toBe('Trạm Đà Lạt');
    });

    it('gives every version exactly as it was, also to one who comes later', () => {
      const registry = startWithNetwork();
      for (let precision = 1; precision <= 12; precision += 1) {
        const { stations, ...network } = wholeNetwork();
        const changed = stations.map((station) =>
          station.id === 'outlet' ? { ...station, publicPrecisionMetres: precision } : station,
        );
        accepted(registry.writer.importFile({ ...network, stations: changed }, 'ann'));
      }
      const reader = registry.openReader();
      const versions = [13, 1, 7, 2, 13, 3, 12, 1];
      for (const source of [registry.writer, reader]) {
        const seen = versions.map((version) => source.at(version).stations.get('outlet'));
        expect(seen.map((station) => station?.publicPrecisionMetres)).toEqual(
          versions.map((version) => (version === 1 ? 500 : version - 1)),
        );
        expect(versions.map((version) => source.at(version).version)).toEqual(versions);
        expect(source.at(0).stations.size).toBe(0);
      }
    });

    it('finds by number a version that it has not refreshed to, as a marker may name it first', () => {
      const registry = start();
      const reader = registry.openReader();
      accepted(registry.writer.importFile(wholeNetwork(), 'ann'));
      expect(reader.at(1).devices.size).toBe(4);
    });

    it.each([2, -1, 0.5, Number.NaN])('refuses version %d by name', (version) => {
      const { writer } = startWithNetwork();
      expect(() => writer.at(version)).toThrow(
        expect.objectContaining({ code: 'DEVICES_VERSION_UNKNOWN' }),
      );
    });

    it('leaves an earlier value as it was: a registry never changes under its holder', () => {
      const { writer } = startWithNetwork();
      const first = writer.current();
      const { owners } = wholeNetwork();
      accepted(
        writer.importFile(
          {
            format: 'quantrac-registry/1',
            owners: owners.map((owner) => ({ ...owner, code: 'X' })),
          },
          'ann',
        ),
      );
      expect(first.owners.get('ministry')?.code).toBe('G15');
      expect(writer.current().owners.get('ministry')?.code).toBe('X');
      expect(writer.current().stations).toEqual(first.stations);
    });
  });

  describe('import and export', () => {
    it('changes nothing the second time', () => {
      const { writer } = startWithNetwork();
      expect(writer.importFile(wholeNetwork(), 'bob')).toEqual({
        ok: true,
        version: 1,
        changed: 0,
      });
      expect(writer.history()).toHaveLength(19);
    });

    it('gives the same file back, each list sorted', () => {
      const { writer } = startWithNetwork();
      const exported = writer.exportFile();
      expect(exported).toEqual({
        ...wholeNetwork(),
        datastreams: wholeNetwork().datastreams.toSorted((one, two) => (one.id < two.id ? -1 : 1)),
        devices: wholeNetwork().devices.toSorted((one, two) => (one.id < two.id ? -1 : 1)),
        deployments: expect.arrayContaining(wholeNetwork().deployments),
      });
      expect(writer.importFile(exported, 'bob')).toEqual({ ok: true, version: 1, changed: 0 });
    });

    it('changes nothing at all when one line is wrong', () => {
      const { writer } = startWithNetwork();
      const network = wholeNetwork();
      const wrong = {
        ...network,
        owners: [{ ...network.owners[0], code: 'new' }],
        devices: [{ id: 'x', owner: 'nobody' }],
      };
      expect(writer.importFile(wrong, 'bob')).toEqual({
        ok: false,
        problems: [
          expect.objectContaining({
            pointer: '/devices/0/owner',
            code: 'DEVICES_REFERENCE_UNKNOWN',
          }),
        ],
      });
      expect(writer.current().version).toBe(1);
      expect(writer.current().owners.get('ministry')?.code).toBe('G15');
      expect(writer.history()).toHaveLength(19);
    });

    it('adds and changes, and never takes away what a file does not name', () => {
      const { writer } = startWithNetwork();
      const part = { format: 'quantrac-registry/1', devices: [{ id: 'logger-3', owner: 'plant' }] };
      expect(writer.importFile(part, 'bob')).toEqual({ ok: true, version: 2, changed: 1 });
      expect([...writer.current().devices.keys()].toSorted()).toEqual([
        'gateway',
        'logger-1',
        'logger-2',
        'logger-3',
        'probe',
      ]);
    });

    it('ends a deployment by its end, and gives the datastream to the next device', () => {
      const { writer } = startWithNetwork();
      const deployment = wholeNetwork().deployments[1];
      const to = '2026-06-01T00:00:00Z';
      const next = { ...deployment, device: 'logger-1', channel: 'temp', from: to };
      const file = { format: 'quantrac-registry/1', deployments: [{ ...deployment, to }, next] };
      expect(writer.importFile(file, 'bob')).toMatchObject({ ok: true, changed: 2 });
      const serving = writer
        .current()
        .deployments.filter(({ datastream }) => datastream === 'da-lat.temperature');
      expect(serving.map(({ toAt }) => toAt)).toEqual([
        Date.UTC(2025, 11, 31, 17),
        Date.UTC(2026, 5, 1),
        undefined,
      ]);
    });
  });

  describe('datastreams and channels', () => {
    it('numbers each series once, for ever, in a row from 0', () => {
      const registry = startWithNetwork();
      const { writer } = registry;
      const numbers = () => writer.current().bySeries.map((datastream) => datastream?.id);
      expect(numbers()).toEqual(['da-lat.temperature', 'da-lat.pressure', 'outlet.nitrate']);
      const added = { ...wholeNetwork().datastreams[1], id: 'a-first', slug: 'a-first' };
      accepted(writer.importFile({ format: 'quantrac-registry/1', datastreams: [added] }, 'bob'));
      expect(numbers()).toEqual([
        'da-lat.temperature',
        'da-lat.pressure',
        'outlet.nitrate',
        'a-first',
      ]);
      expect(registry.openReader().current().datastreams.get('a-first')?.series).toBe(3);
      expect(writer.at(1).bySeries).toHaveLength(3);
    });

    it('spends no number on an import that is refused', () => {
      const { writer } = startWithNetwork();
      const added = { ...wholeNetwork().datastreams[1], id: 'lost', slug: 'lost' };
      const devices = [{ id: 'x', owner: 'nobody' }];
      writer.importFile({ format: 'quantrac-registry/1', datastreams: [added], devices }, 'bob');
      const kept = { ...added, id: 'kept' };
      accepted(writer.importFile({ format: 'quantrac-registry/1', datastreams: [kept] }, 'bob'));
      expect(writer.current().datastreams.get('kept')?.series).toBe(3);
    });

    it('names a datastream by its property where it has no slug', () => {
      const { datastreams } = startWithNetwork().writer.current();
      expect(datastreams.get('da-lat.temperature')?.slug).toBe('temperature');
      expect(datastreams.get('da-lat.pressure')?.slug).toBe('air-pressure');
    });

    it('applies the calibration before the unit', () => {
      const [binding] =
        startWithNetwork().writer.current().channelsOf('logger-1')?.get('AirTF_Avg') ?? [];
      // 50 °F as sent × 1.5 − 2 is 73 °F, which is 22.78 °C.
      expect(50 * (binding?.scale ?? 0) + (binding?.shift ?? 0)).toBeCloseTo((73 - 32) / 1.8, 12);
      expect(binding?.station.id).toBe('da-lat');
      expect(binding?.property.unit).toBe('Cel');
    });

    it('converts the basis of a deployment’s unit', () => {
      const [binding] = startWithNetwork().writer.current().channelsOf('probe')?.get('NO3/N') ?? [];
      expect(binding?.scale).toBeCloseTo(0.2259, 4);
      expect(binding?.shift).toBe(0);
    });

    it('orders the deployments of a channel by time and leaves out withdrawn ones', () => {
      const { writer } = startWithNetwork();
      const base = wholeNetwork().deployments[1];
      const file = {
        format: 'quantrac-registry/1',
        deployments: [
          { ...base, to: '2026-02-01T00:00:00Z' },
          { ...base, from: '2026-03-01T00:00:00Z', unit: 'K' },
          { ...base, from: '2026-02-10T00:00:00Z', to: '2026-02-10T00:00:00Z', unit: 'degF' },
          { ...base, from: '2026-02-01T00:00:00Z', to: '2026-03-01T00:00:00Z', unit: '°C' },
        ],
      };
      accepted(writer.importFile(file, 'bob'));
      const bindings = writer.current().channelsOf('logger-2')?.get('temp') ?? [];
      expect(bindings.map(({ deployment }) => deployment.unit)).toEqual([undefined, '°C', 'K']);
    });

    it('knows a device without a channel from a device that is unknown', () => {
      const registry = startWithNetwork().writer.current();
      expect(registry.channelsOf('gateway')?.size).toBe(0);
      expect(registry.channelsOf('stranger')).toBeUndefined();
    });
  });

  describe('history', () => {
    it('says who changed what, when, from what to what', () => {
      const registry = startWithNetwork();
      registry.clock.advance(60_000);
      const before = wholeNetwork().owners[0];
      const after = { ...before, code: 'G16' };
      accepted(
        registry.writer.importFile({ format: 'quantrac-registry/1', owners: [after] }, 'bob'),
      );
      expect(registry.writer.history({ afterVersion: 1 })).toEqual([
        {
          version: 2,
          at: registry.clock.now(),
          actor: 'bob',
          kind: 'owner',
          id: 'ministry',
          before,
          after,
        },
      ]);
      expect(registry.writer.history()[0]).toMatchObject({
        version: 1,
        actor: 'ann',
        before: null,
      });
    });

    it('tells of every credential and holds nothing of a secret', () => {
      const registry = startWithNetwork();
      const secrets = [
        secretOf(registry, 'logger-1').password,
        secretOf(registry, 'logger-1', true).password,
      ];
      const token = registry.writer.createToken({ role: 'operator', actor: 'ann' });
      registry.writer.pinCertificate('probe', fingerprint, 'ann');
      registry.writer.revoke('logger-1', 'bob');
      const rows = registry.writer.history({ afterVersion: 1 });
      expect(rows.map(({ kind, id }) => `${kind} ${id}`)).toEqual([
        'credential logger-1',
        'credential logger-1',
        `token ${token.id}`,
        'certificate probe',
        'credential logger-1',
        'credential logger-1',
      ]);
      const text = JSON.stringify(rows);
      for (const secret of [...secrets, token.secret]) expect(text).not.toContain(secret);
    });

    it('comes in pages that never cut a version in two', () => {
      const registry = startWithNetwork();
      for (const deviceId of ['logger-1', 'logger-2', 'gateway']) secretOf(registry, deviceId);
      const seen: number[] = [];
      for (let afterVersion = 0; ;) {
        const page = registry.writer.history({ afterVersion, limit: 2 });
        if (page.length === 0) break;
        seen.push(...page.map(({ version }) => version));
        afterVersion = seen.at(-1) ?? 0;
      }
      expect(seen).toEqual([...Array.from({ length: 19 }, () => 1), 2, 3, 4]);
    });
  });
}
