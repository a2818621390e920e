/** MQTT over TLS: own certificate files, their replacement, and client certificates. */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { BrokerConfig } from '../config.ts';
import { createManualClock } from '../../devices/clock-manual.ts';
import { openRig, type RigOptions } from './rig.ts';
import { closedAfter, expectQuiet, useRig } from './scene.ts';
import { connectPacket, publishPacket, wrapWire, type ConnectFields } from './wire.ts';

function useFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-tls-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Makes `{name}.crt` and `{name}.key`. */
function makePair(folder: string, name: string) {
  const certificate = join(folder, `${name}.crt`);
  const key = join(folder, `${name}.key`);
  const pair = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const files = ['-keyout', key, '-out', certificate, '-days', '2', '-subj', `/CN=${name}`];
  execFileSync('openssl', ['req', '-x509', ...pair, ...files], { stdio: 'ignore' });
  return { certificate, key };
}

function configOf(files: { certificate: string; key: string }): Partial<BrokerConfig> {
  return { tlsCertificateFile: files.certificate, tlsKeyFile: files.key, tlsReloadMs: 100 };
}

async function openSocket(port: number, options: object = {}): Promise<TLSSocket> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
  });
  onTestFinished(() => void socket.destroy());
  return socket;
}

async function nameShown(port: number): Promise<string> {
  const socket = await openSocket(port);
  const name = socket.getPeerCertificate().subject.CN;
  socket.destroy();
  return String(name);
}

function fingerprintOf(path: string): string {
  const certificate = new X509Certificate(readFileSync(path));
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase();
}

describe('MQTT over TLS', () => {
  test('a device is let in and its reading is kept and acknowledged', async () => {
    const rig = await useRig({ config: configOf(makePair(useFolder(), 'server')) });
    const wire = wrapWire(await openSocket(rig.broker.addresses.mqttsPort!));
    const login = { username: 'one', password: 'secret of one', clientId: 'one' };
    wire.send(connectPacket(login), publishPacket('env/v1/one/obs', 'x', { qos: 1 }));
    expect([(await wire.next()).type, (await wire.next()).type]).toEqual([2, 4]);
    const labels = { result: 'accepted', listener: 'tls' };
    expect(rig.telemetry.value('quantrac_mqtt_connects_total', labels)).toBe(1);
  });

  test('versions before 1.2 are refused', async () => {
    const rig = await useRig({ config: configOf(makePair(useFolder(), 'server')) });
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    await expect(openSocket(rig.broker.addresses.mqttsPort!, old)).rejects.toThrow(
      /alert|version|protocol/i,
    );
    const socket = await openSocket(rig.broker.addresses.mqttsPort!);
    expect(socket.getProtocol()).toBe('TLSv1.3');
  });

  test('without certificate files the door is closed', async () => {
    const rig = await useRig();
    expect(rig.broker.addresses.mqttsPort).toBeUndefined();
  });

  test('a peer that speaks something else is closed, and others are served', async () => {
    const rig = await useRig({ config: configOf(makePair(useFolder(), 'server')) });
    const port = rig.broker.addresses.mqttsPort!;
    expect(
      await closedAfter({ ...rig, port }, Buffer.from('GET / HTTP/1.1\r\n\r\n')),
    ).toBeDefined();
    expect(await nameShown(port)).toBe('server');
  });
});

describe('certificate files', () => {
  test('are replaced while the server runs; connections stay', async () => {
    const folder = useFolder();
    const files = makePair(folder, 'before');
    const next = makePair(folder, 'after');
    const rig = await useRig({ config: configOf(files) });
    const port = rig.broker.addresses.mqttsPort!;
    const wire = wrapWire(await openSocket(port));
    wire.send(connectPacket());
    await wire.next();
    expect(await nameShown(port)).toBe('before');
    copyFileSync(next.certificate, files.certificate);
    copyFileSync(next.key, files.key);
    await expect.poll(() => nameShown(port)).toBe('after');
    await expectQuiet(wire);
  });

  test('that are no pair are told of once, and the old ones stay', async () => {
    const files = makePair(useFolder(), 'server');
    const rig = await useRig({ config: configOf(files) });
    writeFileSync(files.key, 'no key');
    const errors = () => rig.telemetry.value('quantrac_tls_certificate_errors_total');
    await expect.poll(errors).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 350));
    expect(errors()).toBe(1);
    expect(await nameShown(rig.broker.addresses.mqttsPort!)).toBe('server');
  });

  test('that vanish are told of, and the old ones stay', async () => {
    const folder = useFolder();
    const files = makePair(folder, 'server');
    const rig = await useRig({ config: configOf(files) });
    rmSync(files.certificate);
    const errors = () => rig.telemetry.value('quantrac_tls_certificate_errors_total');
    await expect.poll(errors).toBeGreaterThan(0);
    expect(await nameShown(rig.broker.addresses.mqttsPort!)).toBe('server');
  });

  test('that are incomplete, missing or no pair stop the start by name', async () => {
    const folder = useFolder();
    const one = makePair(folder, 'one');
    const two = makePair(folder, 'two');
    const opened = (config: Partial<BrokerConfig>) => openRig({ config });
    await expect(opened({ tlsCertificateFile: one.certificate })).rejects.toMatchObject({
      code: 'BROKER_TLS_INCOMPLETE',
    });
    await expect(
      opened({ tlsCertificateFile: join(folder, 'none'), tlsKeyFile: one.key }),
    ).rejects.toMatchObject({
      code: 'BROKER_TLS_FILE_UNREADABLE',
      fields: { key: 'tlsCertificateFile' },
    });
    await expect(
      opened(configOf({ certificate: one.certificate, key: two.key })),
    ).rejects.toMatchObject({ code: 'BROKER_TLS_PAIR_INVALID' });
  });
});

describe('client certificates', () => {
  async function openPinned(
    tlsClientCertificates: 'optional' | 'required' | 'off',
    options: RigOptions = {},
  ) {
    const folder = useFolder();
    const config = { ...configOf(makePair(folder, 'server')), tlsClientCertificates };
    const rig = await useRig({ ...options, config });
    const own = makePair(folder, 'device');
    const stranger = makePair(folder, 'stranger');
    const { credential } = rig.registry.secrets.get('one')!;
    rig.registry.certificates.set(fingerprintOf(own.certificate), credential);

    async function answer(pair: typeof own | undefined, fields: ConnectFields) {
      const proof =
        pair === undefined
          ? {}
          : { cert: readFileSync(pair.certificate), key: readFileSync(pair.key) };
      const wire = wrapWire(await openSocket(rig.broker.addresses.mqttsPort!, proof));
      wire.send(connectPacket({ clientId: 'one', ...fields }));
      const { body } = await wire.next();
      return { wire, code: body[1] };
    }
    return { rig, own, stranger, answer };
  }

  test('a pinned one is enough, and gives the rights of its device', async () => {
    const { own, answer } = await openPinned('optional');
    const { wire, code } = await answer(own, {});
    expect(code).toBe(0);
    wire.send(publishPacket('env/v1/one/obs', 'x', { qos: 1 }));
    expect((await wire.next()).type).toBe(4);
    wire.send(publishPacket('env/v1/two/obs', 'x', { qos: 1 }));
    expect(await wire.ended()).toEqual([]);
  });

  test('one that nobody pinned is refused, also beside the name of a device', async () => {
    const { stranger, answer } = await openPinned('optional');
    expect((await answer(stranger, {})).code).toBe(5);
    expect((await answer(stranger, { username: 'one' })).code).toBe(4);
  });

  test('the name of another device beside it is refused', async () => {
    const { own, answer } = await openPinned('optional');
    expect((await answer(own, { username: 'two', password: 'secret of two' })).code).toBe(5);
    expect((await answer(own, { username: 'one' })).code).toBe(0);
  });

  test('where they are required, a secret alone is refused on this door', async () => {
    const { rig, answer } = await openPinned('required');
    const login = { username: 'one', password: 'secret of one' };
    expect((await answer(undefined, login)).code).toBe(5);
    const labels = { listener: 'tls', reason: 'certificate-missing' };
    expect(rig.telemetry.value('quantrac_auth_failures_total', labels)).toBe(1);
  });

  test('where they are off, nobody is asked for one', async () => {
    const { own, answer } = await openPinned('off');
    const { wire } = await answer(own, {});
    wire.send(publishPacket('env/v1/one/obs', 'x', { qos: 1 }));
    expect(await wire.ended()).toEqual([]);
  });

  test('one that has expired is refused, also beside a right secret', async () => {
    const { rig, own, answer } = await openPinned('optional', {
      clock: createManualClock(Date.now() + 4 * 86_400_000),
    });
    expect((await answer(own, { username: 'one', password: 'secret of one' })).code).toBe(5);
    const labels = { listener: 'tls', reason: 'certificate-expired' };
    expect(rig.telemetry.value('quantrac_auth_failures_total', labels)).toBe(1);
  });

  test('one that is no longer pinned is cut', async () => {
    const { rig, own, answer } = await openPinned('optional');
    const { wire } = await answer(own, {});
    rig.registry.certificates.clear();
    rig.broker.registryChanged();
    expect(await wire.ended()).toEqual([]);
  });
});
