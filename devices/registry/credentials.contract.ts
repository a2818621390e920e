import { describe, expect, it, onTestFinished } from 'vitest';
import { wholeNetwork } from './fixture.ts';
import { accepted, fingerprint, secretOf, type RegistryUnderTest } from './under-test.ts';

/** What every registry promises of secrets, certificates and tokens. */
export function credentialContract(open: () => RegistryUnderTest): void {
  function startWithNetwork(): RegistryUnderTest {
    const registry = open();
    onTestFinished(() => registry.remove());
    accepted(registry.writer.importFile(wholeNetwork(), 'ann'));
    return registry;
  }

  describe('secrets of devices', () => {
    it('are at least 128 bits, differ, and are shown once', () => {
      const { writer } = startWithNetwork();
      const all = [...writer.current().devices.keys()];
      const first = writer.provision(all, { rotate: false, actor: 'ann' });
      expect(new Set(first.map(({ password }) => password)).size).toBe(all.length);
      for (const { password } of first) expect(password).toMatch(/^[A-Za-z0-9_-]{22,}$/);
      const second = writer.provision(all, { rotate: false, actor: 'ann' });
      expect(second.map(({ password }) => password)).toEqual(all.map(() => null));
    });

    it('come with what a device needs to be told', () => {
      const { writer } = startWithNetwork();
      const [pinned, plain] = writer.provision(['logger-1', 'logger-2', 'logger-1'], {
        rotate: false,
        actor: 'ann',
      });
      expect(pinned).toMatchObject({
        deviceId: 'logger-1',
        clientId: 'CR1000X_400',
        username: 'logger-1',
        topic: 'env/v1/logger-1/obs',
      });
      expect(plain?.clientId).toBe('logger-2');
    });

    it('open the door for their device alone', () => {
      const registry = startWithNetwork();
      const { password } = secretOf(registry, 'logger-1');
      const reader = registry.openReader();
      expect(reader.authenticate('logger-1', password)).toEqual({
        kind: 'device',
        subject: 'logger-1',
        role: 'device',
        owner: 'ministry',
      });
      expect(reader.authenticate('logger-2', password)).toBeUndefined();
      expect(reader.authenticate('logger-1', `${password}x`)).toBeUndefined();
      expect(reader.authenticate('logger-1', '')).toBeUndefined();
      expect(reader.authenticate('stranger', password)).toBeUndefined();
      expect(reader.authenticate('__proto__', password)).toBeUndefined();
      expect(reader.authenticateToken(password)).toBeUndefined();
      expect(reader.authenticate('logger-1', password.repeat(10_000))).toBeUndefined();
    });

    it('work twice during a rotation, the earlier until the overlap ends', () => {
      const registry = startWithNetwork();
      const first = secretOf(registry, 'logger-1').password;
      const second = secretOf(registry, 'logger-1', true).password;
      const works = (secret: string) =>
        registry.writer.authenticate('logger-1', secret) !== undefined;
      expect([first, second].map(works)).toEqual([true, true]);
      registry.clock.advance(registry.overlapMs - 1);
      expect([first, second].map(works)).toEqual([true, true]);
      registry.clock.advance(1);
      expect([first, second].map(works)).toEqual([false, true]);
    });

    it('are two at most, however often they are rotated', () => {
      const registry = startWithNetwork();
      const secrets = [secretOf(registry, 'logger-1').password];
      for (let round = 0; round < 4; round += 1)
        secrets.push(secretOf(registry, 'logger-1', true).password);
      for (const source of [registry.writer, registry.openReader()]) {
        expect(
          secrets.map((secret) => source.authenticate('logger-1', secret) !== undefined),
        ).toEqual([false, false, false, true, true]);
      }
    });

    it('follow the device to its new owner', () => {
      const registry = startWithNetwork();
      const { password } = secretOf(registry, 'logger-2');
      const devices = [{ id: 'logger-2', owner: 'plant' }];
      accepted(registry.writer.importFile({ format: 'quantrac-registry/1', devices }, 'bob'));
      expect(registry.writer.authenticate('logger-2', password)?.owner).toBe('plant');
    });

    it('are given to none of a list when one device of it is unknown', () => {
      const { writer } = startWithNetwork();
      const provision = () =>
        writer.provision(['logger-1', 'stranger'], { rotate: false, actor: 'ann' });
      expect(provision).toThrow(
        expect.objectContaining({
          code: 'DEVICES_DEVICE_UNKNOWN',
          fields: { deviceIds: ['stranger'] },
        }),
      );
      expect(writer.current().version).toBe(1);
      expect(
        writer.provision(['logger-1'], { rotate: false, actor: 'ann' })[0]?.password,
      ).not.toBeNull();
    });

    it('end at once when revoked, and come back only by a rotation', () => {
      const registry = startWithNetwork();
      const reader = registry.openReader();
      const { password } = secretOf(registry, 'logger-1');
      registry.writer.pinCertificate('logger-1', fingerprint, 'ann');
      reader.refresh();
      registry.writer.revoke('logger-1', 'ann');
      expect(registry.writer.authenticate('logger-1', password)).toBeUndefined();
      reader.refresh();
      expect(reader.authenticate('logger-1', password)).toBeUndefined();
      expect(reader.authenticateCertificate(fingerprint)).toBeUndefined();
      const version = registry.writer.current().version;
      registry.writer.revoke('logger-1', 'ann');
      expect(registry.writer.current().version).toBe(version);
      expect(
        registry.writer.provision(['logger-1'], { rotate: false, actor: 'ann' })[0]?.password,
      ).toBeNull();
      const again = secretOf(registry, 'logger-1', true).password;
      expect(registry.writer.authenticate('logger-1', again)?.subject).toBe('logger-1');
      expect(registry.writer.authenticate('logger-1', password)).toBeUndefined();
    });
  });

  describe('certificates', () => {
    it('stand for a device by fingerprint, in either writing', () => {
      const registry = startWithNetwork();
      const { writer } = registry;
      writer.pinCertificate(
        'logger-1',
        fingerprint.toUpperCase().replace(/(..)(?=.)/g, '$1:'),
        'ann',
      );
      expect(writer.authenticateCertificate(fingerprint)).toMatchObject({
        kind: 'device',
        subject: 'logger-1',
        role: 'device',
        owner: 'ministry',
      });
      expect(registry.openReader().authenticateCertificate(fingerprint)?.subject).toBe('logger-1');
      expect(writer.authenticateCertificate('cd'.repeat(32))).toBeUndefined();
      expect(writer.authenticateCertificate('nonsense')).toBeUndefined();
    });

    it('stand for one device only, and once', () => {
      const { writer } = startWithNetwork();
      writer.pinCertificate('logger-1', fingerprint, 'ann');
      writer.pinCertificate('logger-1', fingerprint, 'ann');
      expect(writer.current().version).toBe(2);
      const pinTo = (deviceId: string, print: string) => () =>
        writer.pinCertificate(deviceId, print, 'ann');
      expect(pinTo('logger-2', fingerprint)).toThrow(
        expect.objectContaining({ code: 'DEVICES_CERTIFICATE_TAKEN' }),
      );
      expect(pinTo('stranger', fingerprint)).toThrow(
        expect.objectContaining({ code: 'DEVICES_DEVICE_UNKNOWN' }),
      );
      expect(pinTo('logger-2', 'abc')).toThrow(
        expect.objectContaining({ code: 'DEVICES_CERTIFICATE_INVALID' }),
      );
    });

    it('overlap while one replaces another, and end one by one, at once', () => {
      const registry = startWithNetwork();
      const { writer } = registry;
      const reader = registry.openReader();
      const newer = 'cd'.repeat(32);
      const { password } = secretOf(registry, 'logger-1');
      writer.pinCertificate('logger-1', fingerprint, 'ann');
      writer.pinCertificate('logger-1', newer, 'ann');
      expect(writer.authenticateCertificate(fingerprint)?.subject).toBe('logger-1');
      writer.unpinCertificate(fingerprint.toUpperCase(), 'bob');
      reader.refresh();
      for (const one of [writer, reader]) {
        expect(one.authenticateCertificate(fingerprint)).toBeUndefined();
        expect(one.authenticateCertificate(newer)?.subject).toBe('logger-1');
        expect(one.authenticate('logger-1', password)?.subject).toBe('logger-1');
      }
      const [row] = writer.history({ afterVersion: writer.current().version - 1 });
      expect(row).toMatchObject({ actor: 'bob', kind: 'certificate', id: 'logger-1' });
      expect(row?.before).toMatchObject({ fingerprint256: fingerprint });
      expect(row?.after).toMatchObject({ revokedAt: expect.any(Number) as number });
      expect(() => writer.unpinCertificate(fingerprint, 'bob')).toThrow(
        expect.objectContaining({ code: 'DEVICES_CERTIFICATE_UNKNOWN' }),
      );
      expect(() => writer.unpinCertificate('x', 'bob')).toThrow(
        expect.objectContaining({ code: 'DEVICES_CERTIFICATE_INVALID' }),
      );
    });

    it('may go to another device once revoked', () => {
      const { writer } = startWithNetwork();
      writer.pinCertificate('logger-1', fingerprint, 'ann');
      writer.revoke('logger-1', 'ann');
      writer.pinCertificate('logger-2', fingerprint, 'ann');
      expect(writer.authenticateCertificate(fingerprint)?.subject).toBe('logger-2');
    });
  });

  describe('tokens', () => {
    it('carry a role and an owner', () => {
      const registry = startWithNetwork();
      const token = registry.writer.createToken({ role: 'reader', actor: 'ann', owner: 'plant' });
      const expected = { kind: 'token', subject: token.id, role: 'reader', owner: 'plant' };
      expect(token.id).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
      expect(registry.openReader().authenticateToken(token.secret)).toEqual(expected);
      expect(registry.openReader().authenticate(token.id, token.secret)).toEqual(expected);
      expect(registry.openReader().tokenOf(token.id)).toEqual(expected);
      expect(registry.openReader().tokenOf('logger-1')).toBeUndefined();
      expect(registry.writer.authenticateToken(`${token.secret}x`)).toBeUndefined();
      expect(registry.writer.authenticateToken('x'.repeat(100_000))).toBeUndefined();
    });

    it('need no owner, but no unknown one', () => {
      const { writer } = startWithNetwork();
      const token = writer.createToken({ role: 'operator', actor: 'ann' });
      expect(writer.authenticateToken(token.secret)).toEqual({
        kind: 'token',
        subject: token.id,
        role: 'operator',
      });
      expect(() => writer.createToken({ role: 'reader', actor: 'ann', owner: 'nobody' })).toThrow(
        expect.objectContaining({ code: 'DEVICES_OWNER_UNKNOWN' }),
      );
    });

    it('end at once when revoked', () => {
      const { writer } = startWithNetwork();
      const token = writer.createToken({ role: 'operator', actor: 'ann' });
      writer.revoke(token.id, 'bob');
      expect(writer.authenticateToken(token.secret)).toBeUndefined();
      expect(writer.tokenOf(token.id)).toBeUndefined();
      expect(() => writer.revoke('nobody', 'bob')).toThrow(
        expect.objectContaining({ code: 'DEVICES_SUBJECT_UNKNOWN' }),
      );
    });

    it('keep their ids for themselves', () => {
      const { writer } = startWithNetwork();
      const token = writer.createToken({ role: 'operator', actor: 'ann' });
      writer.revoke(token.id, 'ann');
      const devices = [{ id: token.id, owner: 'plant' }];
      expect(writer.importFile({ format: 'quantrac-registry/1', devices }, 'bob')).toMatchObject({
        problems: [{ pointer: '/devices/0/id', code: 'DEVICES_ID_TAKEN' }],
      });
    });
  });
}
