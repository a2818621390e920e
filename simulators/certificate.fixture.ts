import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Makes a self-signed certificate of this common name with its key, for tests. */
export function makeCertificate(
  folder: string,
  name: string,
): { readonly tlsCertificateFile: string; readonly tlsKeyFile: string } {
  const tlsCertificateFile = join(folder, `${name}.pem`);
  const tlsKeyFile = join(folder, `${name}.key`);
  const pair = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const files = ['-keyout', tlsKeyFile, '-out', tlsCertificateFile, '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...pair, ...files, '-subj', `/CN=${name}`], {
    stdio: 'ignore',
  });
  return { tlsCertificateFile, tlsKeyFile };
}
