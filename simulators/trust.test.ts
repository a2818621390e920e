import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { makeCertificate } from './certificate.fixture.ts';
import { readAnswer } from './load/answer.ts';
import { trustIn } from './trust.ts';

let folder: string;
let files: ReturnType<typeof makeCertificate>;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'quantrac-trust-'));
  files = makeCertificate(folder, 'station.example');
});
afterAll(() => rmSync(folder, { recursive: true }));

const read = (file: string): string => readFileSync(file, 'utf8');

/** A server over TLS whose certificate is not of its address; it answers 404 but at `/good`. */
async function serve(answers: boolean): Promise<string> {
  const pair = { cert: read(files.tlsCertificateFile), key: read(files.tlsKeyFile) };
  const server = createServer(pair, (request, response) => {
    if (!answers) return;
    response.statusCode = request.url === '/good' ? 200 : 404;
    response.end('well');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const failure = (problem: RegExp): object => ({
  code: 'SIMULATORS_API_FAILED',
  fields: { problem: expect.stringMatching(problem) as string },
});

test("the server's own certificate is trusted whatever its name is, and no other", async () => {
  const api = { url: await serve(true), answerMs: 10_000 };
  const own = trustIn(files.tlsCertificateFile, read);
  expect(await readAnswer({ ...api, trust: own }, '/good')).toBe('well');
  await expect(readAnswer(api, '/good')).rejects.toMatchObject(failure(/self-signed/));
  const other = trustIn(makeCertificate(folder, 'other.example').tlsCertificateFile, read);
  await expect(readAnswer({ ...api, trust: other }, '/good')).rejects.toMatchObject(
    failure(/self/),
  );
});

test('a certificate that only an authority of the file vouches for must have the name', async () => {
  const both = join(folder, 'both.pem');
  const first = makeCertificate(folder, 'first.example').tlsCertificateFile;
  writeFileSync(both, read(first) + read(files.tlsCertificateFile));
  const api = { url: await serve(true), answerMs: 10_000, trust: trustIn(both, read) };
  await expect(readAnswer(api, '/good')).rejects.toMatchObject(failure(/does not match/));
});

test('an answer that is none, and silence, end with their reason', async () => {
  const trust = trustIn(files.tlsCertificateFile, read);
  const refused = readAnswer({ url: await serve(true), answerMs: 10_000, trust }, '/bad');
  await expect(refused).rejects.toMatchObject(failure(/answered 404/));
  const silent = readAnswer({ url: await serve(false), answerMs: 100, trust }, '/good');
  await expect(silent).rejects.toMatchObject(failure(/silent for 100 ms/));
});

test('a file that is no certificate is named', () => {
  const invalid = (file: string) =>
    expect.objectContaining({
      code: 'SIMULATORS_CERTIFICATE_INVALID',
      fields: expect.objectContaining({ file }) as object,
    }) as Error;
  for (const file of [files.tlsKeyFile, join(folder, 'none.pem')])
    expect(() => trustIn(file, read)).toThrow(invalid(file));
});
