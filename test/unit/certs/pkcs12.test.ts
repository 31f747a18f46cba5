import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import t from 'tap';
import { createAuthority, issueClient } from '../../../certs/issue.ts';
import { generateKey, type KeyKind, openAuthority } from '../../../certs/keys.ts';
import { createPkcs12, type Pkcs12Encryption } from '../../../certs/pkcs12.ts';
import { derivePkcs12 } from '../../../certs/pkcs12-kdf.ts';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

async function createFile(kind: KeyKind, encryption: Pkcs12Encryption, password: string) {
  const caKey = await generateKey('ec');
  const ca = openAuthority(await createAuthority('Test CA', caKey), caKey);
  const client = await issueClient(ca, 'demo', kind);
  const parts = {
    ...client,
    authorities: [ca.certificate],
    friendlyName: 'demo',
    password,
    encryption,
    iterations: 2_000,
  };
  return { der: createPkcs12(parts), client, ca };
}

for (const kind of ['ec', 'rsa'] as const) {
  for (const encryption of ['aes', '3des'] as const) {
    for (const password of ['correct horse', 'pässwort', 'x']) {
      t.test(
        `a PKCS#12 file with an ${kind} key and ${encryption} opens with the password "${password}" only`,
        async (t) => {
          const { der, client } = await createFile(kind, encryption, password);
          const pfx = Buffer.from(der);
          t.doesNotThrow(() => createSecureContext({ pfx, passphrase: password }));
          t.throws(() => createSecureContext({ pfx, passphrase: `${password}!` }), /mac verify failure/i);
          const tampered = Buffer.from(der);
          tampered[200] = (tampered[200] ?? 0) ^ 1;
          t.throws(() => createSecureContext({ pfx: tampered, passphrase: password }));
          t.notOk(
            pfx.includes(client.key.export({ type: 'pkcs8', format: 'der' })),
            'the key is not in clear',
          );
        },
      );
    }
  }
}

t.test(
  'openssl reads key, certificate and authority from a PKCS#12 file',
  { skip: !hasOpenssl && 'no openssl command' },
  async (t) => {
    const { der, client, ca } = await createFile('rsa', 'aes', 'secret');
    const file = join(t.testdir(), 'client.p12');
    writeFileSync(file, der);
    const text = execFileSync('openssl', ['pkcs12', '-in', file, '-passin', 'pass:secret', '-nodes'], {
      encoding: 'utf8',
    });
    t.ok(text.includes(client.certificate.trim()));
    t.ok(text.includes(ca.certificate.trim()));
    t.ok(text.includes(client.key.export({ type: 'pkcs8', format: 'pem' }).toString().trim()));
    t.match(text, /friendlyName: demo/);
  },
);

// Vectors as in the tests of Bouncy Castle and of Go's x/crypto/pkcs12.
t.test('derivePkcs12 gives the known values', (t) => {
  const salt = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
  const derive = (...args: Parameters<typeof derivePkcs12>) =>
    Buffer.from(derivePkcs12(...args)).toString('hex');
  t.equal(
    derive('sha1', 'smeg', salt('0A58CF64530D823F'), 'key', 1, 24),
    '8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3',
  );
  t.equal(derive('sha1', 'smeg', salt('0A58CF64530D823F'), 'iv', 1, 8), '79993dfe048d3b76');
  t.equal(
    derive('sha1', 'smeg', salt('3D83C0E4546AC140'), 'mac', 1, 20),
    '8d967d88f6caa9d714800ab3d48051d63f73a312',
  );
  t.equal(
    derive('sha1', 'queeg', salt('05DEC959ACFF72F7'), 'key', 1000, 24),
    'ed2034e36328830ff09df1e1a07dd357185dac0d4f9eb3d4',
  );
  // Computed with Python's hashlib: SHA-512 takes 128 bytes at a time, not 64.
  t.equal(
    derive('sha512', 'smeg', salt('3D83C0E4546AC140'), 'mac', 2, 64),
    '15e095d9f5d567608608cdb669719d5a74c598737f279226fad092b74b9a41ce3328e21cb1d19e9c391c6e89711845d38ace95a9e9069013712d11f6cb935dd2',
  );
  t.end();
});
