import { execFileSync, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type Authority, attribute, authority, certified, opened, p256 } from './authority.ts';
import { listOf, revoke, serialOf } from './revocation.ts';

const noOpenssl = spawnSync('openssl', ['version']).status !== 0 && 'no openssl command';

t.test(
  'openssl reads and applies the revocation lists of every kind of issuing key',
  { skip: noOpenssl },
  async (t) => {
    const service = await opened(t);
    const folder = t.testdir();
    const rsa = [attribute('CryptographicAlgorithm', 'RSA'), attribute('CryptographicLength', 2048)];
    const pss = attribute('CryptographicParameters', { PaddingMethod: 'PSS', HashingAlgorithm: 'SHA_384' });
    const kinds = {
      RSA: rsa,
      PSS: [...rsa, pss],
      'P-256': p256,
      Ed25519: [attribute('CryptographicAlgorithm', 'Ed25519')],
    };
    for (const [what, key] of Object.entries(kinds)) {
      const root = await authority(service, `Root ${what}`, key);
      const valid = await certified(service, root, 'good');
      const revoked = await certified(service, root, 'bad');
      const silent = await certified(service, root, 'silent');
      await revoke(service, revoked.certificate, 'KeyCompromise');
      await revoke(service, silent.certificate, 'Unspecified');
      const file = (called: string, content: string | Uint8Array) => {
        writeFileSync(join(folder, called), content);
        return join(folder, called);
      };
      const pem = ({ der }: { readonly der: Uint8Array }) => new X509Certificate(der).toString();
      const list = await listOf(service, root);
      const der = file('list.der', list.der);
      const rootFile = file('root.pem', pem(root));
      const openssl = (...words: string[]) =>
        execFileSync('openssl', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
      const printed = openssl('crl', '-inform', 'DER', '-in', der, '-noout', '-text', '-CAfile', rootFile);
      t.match(printed, /CRL Number:\s+1\b/, `${what}: number`);
      t.match(printed, /Key Compromise/, `${what}: reason`);
      t.match(printed, new RegExp(serialOf(revoked), 'i'), `${what}: serial number`);
      const verified = spawnSync('openssl', [
        'crl',
        '-inform',
        'DER',
        '-in',
        der,
        '-noout',
        '-CAfile',
        rootFile,
      ]);
      t.match(String(verified.stderr), /verify OK/, `${what}: signature`);
      const listPem = file('list.pem', openssl('crl', '-inform', 'DER', '-in', der));
      const at = String(service.now / 1000 + 60);
      const verify = (leaf: Authority) =>
        spawnSync(
          'openssl',
          [
            'verify',
            '-x509_strict',
            '-crl_check',
            '-attime',
            at,
            '-CRLfile',
            listPem,
            '-CAfile',
            rootFile,
            file('leaf.pem', pem(leaf)),
          ],
          { encoding: 'utf8' },
        );
      t.match(verify(valid).stdout, /: OK/, `${what}: good`);
      for (const leaf of [revoked, silent])
        t.match(verify(leaf).stderr, /certificate revoked/, `${what}: revoked`);
    }
  },
);
