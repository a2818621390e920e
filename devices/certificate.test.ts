import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { fingerprintOf } from './certificate.ts';

/** Made for this test: CN=dev-1, P-256; its key was thrown away. */
const pem = `-----BEGIN CERTIFICATE-----
MIIBdTCCARugAwIBAgIUSInIq7NCP40aCwb+XSF9ZV1XqkAwCgYIKoZIzj0EAwIw
EDEOMAwGA1UEAwwFZGV2LTEwHhcNMjYxMTIyMDkwMzM0WhcNMjYxMjIyMDkwMzM0
WjAQMQ4wDAYDVQQDDAVkZXYtMTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABLE+
DtH86guN1jw6RwzMt/pPDfgpTXCOeYW/p5zZOOf3L7Uc7KrH8ac/03BlNP3rYvuG
zjHrWH0u1eXl5TQGtm2jUzBRMB0GA1UdDgQWBBTEzx+M+rW2WXOVe23/pd6Q6lct
fzAfBgNVHSMEGDAWgBTEzx+M+rW2WXOVe23/pd6Q6lctfzAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0gAMEUCIQCFEiOde4D/uO4+G+2G318YK5yqL690/D+E
TTXLy8vPGwIgev8tI6pG+oecDWmnDnqswQpbDvSsv5It9DiRqOY6qcY=
-----END CERTIFICATE-----`;

const printed = new X509Certificate(pem).fingerprint256;
const digits = printed.replace(/:/g, '').toLowerCase();

test.each([
  ['the PEM file of the certificate', `${pem}\n`],
  ['the digits alone', digits],
  ['colons and capitals', printed],
  ['what openssl prints', `sha256 Fingerprint=${printed}\n`],
])('a fingerprint comes from %s', (_name, given) => {
  expect(fingerprintOf(given)).toBe(digits);
});

test.each([
  ['nothing', ''],
  ['a word', 'certificate'],
  ['half a fingerprint', digits.slice(32)],
  ['a spoiled file', pem.replace('MII', 'AAA')],
])('%s is no certificate', (_name, given) => {
  expect(() => fingerprintOf(given)).toThrow(
    expect.objectContaining({ code: 'DEVICES_CERTIFICATE_INVALID' }),
  );
});
