import { describe, expect, test } from 'vitest';
import { authenticate, principalKey } from './authenticate.ts';
import { createHandRegistry } from './mqtt/rig.ts';

function openRegistry() {
  const registry = createHandRegistry();
  registry.addDevice({ id: 'one' }, 'right');
  registry.addToken('token-1', 'bearer', 'operator');
  registry.certificates.set('aa11', registry.secrets.get('one')!.credential);
  return registry;
}

describe('authentication', () => {
  test.each([
    ['no name at all is nobody in particular', {}, 'anonymous'],
    ['a device is known by id and secret', { username: 'one', password: 'right' }, 'device:one'],
    ['a wrong secret is refused', { username: 'one', password: 'wrong' }, 'unknown'],
    ['a name without a secret is refused', { username: 'one' }, 'unknown'],
    ['an unknown name is refused', { username: 'nobody', password: 'right' }, 'unknown'],
    ['an empty name is not anonymous', { username: '', password: '' }, 'unknown'],
    ['a token is known by its id', { username: 'token-1', password: 'bearer' }, 'token:token-1'],
    ['a token is known alone', { username: 'token', password: 'bearer' }, 'token:token-1'],
    ['a wrong token is refused', { username: 'token', password: 'x' }, 'unknown'],
    ['a pinned certificate is enough', { certificateFingerprint: 'aa11' }, 'device:one'],
    [
      'a certificate that nobody pinned is not anonymous',
      { certificateFingerprint: 'bb22' },
      'certificate-unknown',
    ],
    [
      'a name may stand beside its certificate',
      { certificateFingerprint: 'aa11', username: 'one' },
      'device:one',
    ],
    [
      'another name beside a certificate is refused',
      { certificateFingerprint: 'aa11', username: 'two' },
      'certificate-mismatch',
    ],
    [
      'a secret of somebody else beside a certificate is refused',
      { certificateFingerprint: 'aa11', username: 'token-1', password: 'bearer' },
      'certificate-mismatch',
    ],
    [
      'a right secret beside an unpinned certificate is enough',
      { certificateFingerprint: 'bb22', username: 'one', password: 'right' },
      'device:one',
    ],
  ])('%s', (_name, presented, expected) => {
    const outcome = authenticate(openRegistry(), presented);
    const got = outcome.refused ?? principalKey(outcome.principal);
    expect(got).toBe(expected);
  });
});
