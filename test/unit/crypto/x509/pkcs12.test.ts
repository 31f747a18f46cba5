import { createPrivateKey } from 'node:crypto';
import t from 'tap';
import { createAuthority, issueClient } from '../../../../certs/issue.ts';
import { generateKey, openAuthority } from '../../../../certs/keys.ts';
import { createPkcs12, type Pkcs12Encryption } from '../../../../certs/pkcs12.ts';
import { CryptographyFailedError, InvalidParametersError } from '../../../../src/crypto/errors.ts';
import { decodePkcs12 } from '../../../../src/crypto/x509/pkcs12-reader.ts';

const text = (value: string) => new TextEncoder().encode(value);

const caKey = await generateKey('ec');
const ca = openAuthority(await createAuthority('Test CA', caKey), caKey);
const client = await issueClient(ca, 'demo', 'ec');
const der = new Uint8Array(client.key.export({ type: 'pkcs8', format: 'der' }));
const file = (encryption: Pkcs12Encryption, password: string) =>
  createPkcs12({ ...client, authorities: [ca.certificate], friendlyName: 'demo', password, encryption });

t.test('a file yields its private key under its password only', async (t) => {
  for (const encryption of ['aes', '3des'] as const) {
    const bundle = file(encryption, 'pässwort');
    const found = decodePkcs12(bundle, text('pässwort')) as Uint8Array;
    const key = createPrivateKey({ key: Buffer.from(found), format: 'der', type: 'pkcs8' });
    t.ok(key.equals(client.key), encryption);
    t.throws(() => decodePkcs12(bundle, text('passwort')), CryptographyFailedError, encryption);
    t.throws(() => decodePkcs12(bundle, Uint8Array.of(0xff)), InvalidParametersError, 'a password is text');
    const changed = Uint8Array.from(bundle);
    changed[300] = (changed[300] ?? 0) ^ 1;
    t.throws(
      () => decodePkcs12(changed, text('pässwort')),
      CryptographyFailedError,
      'the MAC covers everything',
    );
  }
});

t.test('files of unsupported kinds yield no key', async (t) => {
  const bundle = file('aes', 'x');
  const slow = Uint8Array.from(bundle);
  // The iterations of the MAC are the last INTEGER: 10,000 become 32,528.
  slow[slow.length - 2] = 0x7f;
  const started = performance.now();
  for (const [name, bytes] of [
    ['nothing', new Uint8Array()],
    ['no ASN.1', new Uint8Array(64)],
    ['PKCS#8', der],
    ['a file cut short', bundle.slice(0, 200)],
    ['one that wants more rounds than the server has time for', slow],
  ] as const) {
    t.equal(decodePkcs12(bytes, text('x')), undefined, name);
  }
  t.ok(performance.now() - started < 1_000, 'and at once');
});

t.test('any bytes yield a key, nothing or CryptographyFailedError', async (t) => {
  const bundle = file('aes', 'x');
  const came = new Set<string>();
  for (let at = 0; at < bundle.length; at += 37) {
    const changed = Uint8Array.from(bundle);
    changed[at] = (changed[at] ?? 0) ^ 0x41;
    try {
      came.add(typeof decodePkcs12(changed, text('x')));
    } catch (error) {
      came.add((error as Error).name);
    }
  }
  for (const each of came) t.match(each, /^(undefined|CryptographyFailedError)$/);
});
