import { createHmac, createPrivateKey } from 'node:crypto';
import t from 'tap';
import { createAuthority, issueClient } from '../../../../certs/issue.ts';
import { generateKey, openAuthority } from '../../../../certs/keys.ts';
import { createPkcs12, type Pkcs12Encryption } from '../../../../certs/pkcs12.ts';
import { derivePkcs12 } from '../../../../certs/pkcs12-kdf.ts';
import {
  type DerNode,
  encodeDer,
  makeExplicit,
  makeInteger,
  makeNull,
  makeOctets,
  makeOid,
  makeSequence,
  makeVersion,
  parseDer,
  stripZeros,
} from '../../../../src/crypto/asn1/der.ts';
import { CryptographyFailedError, InvalidParametersError } from '../../../../src/crypto/errors.ts';
import type { PlainKey } from '../../../../src/crypto/plain-key.ts';
import { encodePkcs12 } from '../../../../src/crypto/x509/pkcs12.ts';
import { decodePkcs12 } from '../../../../src/crypto/x509/pkcs12-reader.ts';

const text = (value: string) => new TextEncoder().encode(value);

const caKey = await generateKey('ec');
const ca = openAuthority(await createAuthority('Test CA', caKey), caKey);
const client = await issueClient(ca, 'demo', 'ec');
const der = new Uint8Array(client.key.export({ type: 'pkcs8', format: 'der' }));
const file = (encryption: Pkcs12Encryption, password: string) =>
  createPkcs12({
    ...client,
    authorities: [ca.certificate],
    friendlyName: 'demo',
    password,
    encryption,
    iterations: 2_000,
  });

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

const data = (content: DerNode) =>
  makeSequence(makeOid('1.2.840.113549.1.7.1'), makeExplicit(0, makeOctets(encodeDer(content))));
const integer = (value: number) =>
  makeInteger(stripZeros(Uint8Array.of(value >> 24, value >> 16, value >> 8, value)));
const algorithm = (name: string, ...parameters: readonly DerNode[]) =>
  makeSequence(makeOid(name), makeSequence(...parameters));
const salt = makeOctets(new Uint8Array(8));

/** A file with these bags, whose MAC is that of the password `x`. */
function fileOf(bags: readonly DerNode[], { rounds = 1, hasMac = true } = {}): Uint8Array {
  const content = encodeDer(makeSequence(data(makeSequence(...bags))));
  const key = derivePkcs12('sha256', 'x', new Uint8Array(8), 'mac', Math.min(rounds, 2_000), 32);
  const digest = makeOctets(createHmac('sha256', key).update(content).digest());
  const mac = makeSequence(
    makeSequence(makeSequence(makeOid('2.16.840.1.101.3.4.2.1'), makeNull()), digest),
    salt,
    integer(rounds),
  );
  const authSafe = makeSequence(makeOid('1.2.840.113549.1.7.1'), makeExplicit(0, makeOctets(content)));
  return encodeDer(makeSequence(makeVersion(3), authSafe, ...(hasMac ? [mac] : [])));
}

const plainBag = makeSequence(makeOid('1.2.840.113549.1.12.10.1.1'), makeExplicit(0, parseDer(der)));
const shrouded = (scheme: DerNode, bytes = 32) =>
  makeSequence(
    makeOid('1.2.840.113549.1.12.10.1.2'),
    makeExplicit(0, makeSequence(scheme, makeOctets(new Uint8Array(bytes)))),
  );
const aes = makeSequence(makeOid('2.16.840.1.101.3.4.1.42'), makeOctets(new Uint8Array(16)));
const pbes2 = (derivation: DerNode) => algorithm('1.2.840.113549.1.5.13', derivation, aes);
const pbkdf2 = (iterations: DerNode) => pbes2(algorithm('1.2.840.113549.1.5.12', salt, iterations));
const tripleDes = (iterations: DerNode) => algorithm('1.2.840.113549.1.12.1.3', salt, iterations);
/** 16,384 blocks of 8 KiB, 2^20 times: hours in OpenSSL, and within its limit of memory. */
const scrypt = pbes2(
  algorithm('1.3.6.1.4.1.11591.4.11', salt, integer(16_384), integer(8), integer(1 << 20)),
);

t.test('files that cannot be read yield no key, whatever the password, and at once', async (t) => {
  const bundle = file('aes', 'x');
  t.same(decodePkcs12(fileOf([plainBag]), text('x')), der, 'the builder makes files that can be read');
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ['nothing', new Uint8Array()],
    ['no ASN.1', new Uint8Array(64)],
    ['PKCS#8', der],
    ['a file cut short', bundle.slice(0, 200)],
    ['no MAC', fileOf([plainBag], { hasMac: false })],
    ['a MAC of one round too many', fileOf([plainBag], { rounds: 600_001 })],
    ['a MAC of 2^31 - 1 rounds', fileOf([plainBag], { rounds: 0x7fff_ffff })],
  ];
  const started = process.cpuUsage().user;
  for (const [name, bytes] of cases)
    for (const password of ['x', 'y'])
      t.equal(decodePkcs12(bytes, text(password)), undefined, `${name} ${password}`);
  t.ok(process.cpuUsage().user - started < 1_000_000, 'less than a second of the processor');
});

t.test('behind the MAC nothing is done without bounds, and another password has one answer', async (t) => {
  const many = Array.from({ length: 1_000 }, () => shrouded(pbkdf2(integer(600_000))));
  const cases: readonly (readonly [string, Uint8Array, boolean])[] = [
    ['no key', fileOf([]), true],
    ['one round too many', fileOf([shrouded(pbkdf2(integer(600_001)))]), true],
    ['2^31 - 1 rounds', fileOf([shrouded(pbkdf2(integer(0x7fff_ffff)))]), true],
    ['3DES, 2^31 - 1 rounds', fileOf([shrouded(tripleDes(integer(0x7fff_ffff)))]), true],
    ['rounds of 0', fileOf([shrouded(pbkdf2(makeVersion(0)))]), true],
    ['negative rounds', fileOf([shrouded(pbkdf2(makeVersion(-1)))]), true],
    ['scrypt', fileOf([shrouded(scrypt)]), true],
    ['a key that does not decrypt', fileOf([shrouded(pbkdf2(integer(1)))]), false],
    ['a thousand keys, of which the first is read', fileOf([plainBag, ...many]), false],
    ['a thousand keys that do not decrypt', fileOf(many), false],
  ];
  for (const [name, bytes, isUnread] of cases) {
    const started = process.cpuUsage().user;
    t.throws(() => decodePkcs12(bytes, text('y')), CryptographyFailedError, `${name}: another password`);
    if (isUnread) t.equal(decodePkcs12(bytes, text('x')), undefined, name);
    else if (bytes.length > 10_000 && name.includes('first'))
      t.same(decodePkcs12(bytes, text('x')), der, name);
    else t.throws(() => decodePkcs12(bytes, text('x')), CryptographyFailedError, name);
    t.ok(process.cpuUsage().user - started < 3_000_000, `${name}: one derivation at most`);
  }
});

t.test('a file that the server makes takes 600,000 rounds, for key and MAC', async (t) => {
  const key: PlainKey = { objectType: 'PrivateKey', KeyFormatType: 'PKCS_8', KeyMaterial: der };
  const made = encodePkcs12(key, { certificates: [], password: text('x') });
  t.same(new Uint8Array(decodePkcs12(made, text('x')) as Uint8Array), der);
  const count = Buffer.from(encodeDer(integer(600_000))).toString('hex');
  t.equal(Buffer.from(made).toString('hex').split(count).length - 1, 2);
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
