import { describe, expect, it, onTestFinished } from 'vitest';
import type { RegistryReader, RegistryWriter } from '../registry.ts';
import type { RegistryChanges } from './changes.ts';
import { wholeNetwork } from './fixture.ts';
import { accepted, fingerprint } from './under-test.ts';

/** One place where the registry is changed and read. */
export interface NodeUnderTest {
  readonly changes: RegistryChanges;
  readonly registry: RegistryReader & Pick<RegistryWriter, 'exportFile' | 'history'>;
  /** Resolves once this node holds the version: `registry` and its readers have refreshed. */
  holds(version: number): Promise<void>;
}

/** Two nodes of one installation, empty; on one machine both are the same. */
export interface ChangesUnderTest {
  readonly one: NodeUnderTest;
  readonly other: NodeUnderTest;
  remove(): Promise<void>;
}

const part = (content: object) => ({ format: 'quantrac-registry/1', ...content });

/** What every way to change the registry promises, seen from where the change is made and elsewhere. */
export function changesContract(open: () => Promise<ChangesUnderTest>): void {
  async function start(): Promise<ChangesUnderTest> {
    const installation = await open();
    onTestFinished(() => installation.remove());
    return installation;
  }

  async function startWithNetwork(): Promise<ChangesUnderTest> {
    const installation = await start();
    await installation.one.changes.change((writer) =>
      accepted(writer.importFile(wholeNetwork(), 'ann')),
    );
    return installation;
  }

  async function expectEqual({ one, other }: ChangesUnderTest): Promise<void> {
    const { version } = one.registry.current();
    await other.holds(version);
    expect(other.registry.exportFile()).toEqual(one.registry.exportFile());
    expect(other.registry.history()).toEqual(one.registry.history());
    for (let at = 0; at <= version; at += 1) {
      const [here, there] = [one.registry.at(at), other.registry.at(at)];
      expect(there.version).toBe(here.version);
      for (const kind of ['owners', 'stations', 'datastreams', 'devices'] as const) {
        expect(there[kind]).toEqual(here[kind]);
      }
      expect(there.deployments).toEqual(here.deployments);
      expect(there.bySeries.map((one) => one?.id)).toEqual(here.bySeries.map((one) => one?.id));
    }
  }

  describe('a change', () => {
    it('answers what the work answers, and holds the version when it resolves', async () => {
      const { one } = await start();
      const changed = await one.changes.change((writer) =>
        accepted(writer.importFile(wholeNetwork(), 'ann')),
      );
      expect(changed).toEqual({
        result: { ok: true, version: 1, changed: 19 },
        version: 1,
        changed: true,
      });
      expect(one.registry.current().version).toBe(1);
      expect(one.registry.history()).toHaveLength(19);
    });

    it('is seen by every node, with every version before it', async () => {
      const installation = await startWithNetwork();
      const { one, other } = installation;
      await other.holds(1);
      const { owners } = wholeNetwork();
      for (const [node, code] of [
        [other, 'B'],
        [one, 'C'],
        [other, 'D'],
      ] as const) {
        const changed = owners.map((owner) => ({ ...owner, code }));
        await node.changes.change((writer) => writer.importFile(part({ owners: changed }), code));
      }
      await one.holds(4);
      await expectEqual(installation);
      expect(one.registry.at(3).owners.get('ministry')?.code).toBe('C');
    });

    it('that changes nothing makes no version', async () => {
      const { one } = await startWithNetwork();
      const again = await one.changes.change((writer) => writer.importFile(wholeNetwork(), 'bob'));
      expect(again).toEqual({
        result: { ok: true, version: 1, changed: 0 },
        version: 1,
        changed: false,
      });
      expect(await one.changes.change(() => 'read')).toEqual({
        result: 'read',
        version: 1,
        changed: false,
      });
    });

    it('that is refused, or throws, changes nothing on any node', async () => {
      const installation = await startWithNetwork();
      const { one } = installation;
      const refused = await one.changes.change((writer) => writer.importFile({}, 'ann'));
      expect(refused).toMatchObject({ result: { ok: false }, version: 1, changed: false });
      const provision = one.changes.change((writer) =>
        writer.provision(['stranger'], { rotate: false, actor: 'ann' }),
      );
      await expect(provision).rejects.toMatchObject({ code: 'DEVICES_DEVICE_UNKNOWN' });
      expect(one.registry.current().version).toBe(1);
      await expectEqual(installation);
    });

    it('is made on the newest version, also where the node does not know it yet', async () => {
      const { one, other } = await startWithNetwork();
      const changed = await other.changes.change((writer) => {
        const devices = [...writer.current().devices.keys()];
        return writer.provision(devices, { rotate: false, actor: 'bob' }).length;
      });
      expect(changed).toEqual({ result: 4, version: 2, changed: true });
      await one.holds(2);
      expect(one.registry.current().version).toBe(2);
    });

    it('stands beside others at once: each is a version of its own', async () => {
      const installation = await startWithNetwork();
      const { one, other } = installation;
      const names = Array.from({ length: 8 }, (_none, number) => `added-${number}`);
      const made = await Promise.all(
        names.map((id, at) => {
          const devices = [{ id, owner: 'plant' }];
          const { changes } = at % 2 === 0 ? one : other;
          return changes.change((writer) => writer.importFile(part({ devices }), id));
        }),
      );
      expect(made.map(({ version }) => version).toSorted((a, b) => a - b)).toEqual([
        2, 3, 4, 5, 6, 7, 8, 9,
      ]);
      await one.holds(9);
      for (const id of names) expect(one.registry.current().devices.has(id)).toBe(true);
      await expectEqual(installation);
    });

    it('numbers a series in the same way on every node', async () => {
      const installation = await startWithNetwork();
      const { one, other } = installation;
      const [, datastream] = wholeNetwork().datastreams;
      const add = (node: NodeUnderTest, id: string) =>
        node.changes.change((writer) =>
          writer.importFile(part({ datastreams: [{ ...datastream, id, slug: id }] }), 'ann'),
        );
      await Promise.all([add(one, 'z'), add(other, 'y'), add(one, 'x'), add(other, 'w')]);
      await one.holds(5);
      await expectEqual(installation);
      expect(one.registry.current().bySeries).toHaveLength(7);
    });
  });

  describe('a credential', () => {
    it('made on one node opens the door at every node, and ends there when it is revoked', async () => {
      const { one, other } = await startWithNetwork();
      const { result } = await one.changes.change((writer) =>
        writer.provision(['logger-1'], { rotate: false, actor: 'ann' }),
      );
      const password = result[0]?.password ?? '';
      await other.holds(2);
      expect(other.registry.authenticate('logger-1', password)?.subject).toBe('logger-1');
      await other.changes.change((writer) => writer.revoke('logger-1', 'bob'));
      expect(other.registry.authenticate('logger-1', password)).toBeUndefined();
      await one.holds(3);
      expect(one.registry.authenticate('logger-1', password)).toBeUndefined();
    });

    it('of every kind is the same at every node', async () => {
      const installation = await startWithNetwork();
      const { one, other } = installation;
      const token = await one.changes.change((writer) =>
        writer.createToken({ role: 'operator', actor: 'ann' }),
      );
      await other.changes.change((writer) => writer.pinCertificate('logger-1', fingerprint, 'ann'));
      const first = await one.changes.change((writer) =>
        writer.provision(['logger-1'], { rotate: false, actor: 'ann' }),
      );
      const second = await other.changes.change((writer) =>
        writer.provision(['logger-1'], { rotate: true, actor: 'ann' }),
      );
      await one.holds(5);
      await other.holds(5);
      for (const { registry } of [one, other]) {
        expect(registry.authenticateToken(token.result.secret)?.role).toBe('operator');
        expect(registry.authenticateCertificate(fingerprint)?.subject).toBe('logger-1');
        for (const { result } of [first, second]) {
          expect(registry.authenticate('logger-1', result[0]?.password ?? '')).toBeDefined();
        }
      }
      await one.changes.change((writer) => writer.unpinCertificate(fingerprint, 'ann'));
      await other.holds(6);
      expect(other.registry.authenticateCertificate(fingerprint)).toBeUndefined();
      await expectEqual(installation);
    });
  });
}
