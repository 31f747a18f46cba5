import { hash, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import t from 'tap';
import { createAuthority, issueClient } from '../../../../certs/issue.ts';
import { generateKey, openAuthority } from '../../../../certs/keys.ts';
import { createPkcs12 } from '../../../../certs/pkcs12.ts';
import type { Attribute } from '../../../../codec/attribute.ts';
import type { KeyBlock } from '../../../../codec/structures/key-block.ts';
import type { KeyedObjectValue, ManagedObjectValue } from '../../../../codec/structures/managed-objects.ts';
import { eraOf, type Version } from '../../../../codec/version.ts';
import { Export } from '../../../../src/operations/transfer/export.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { Import } from '../../../../src/operations/transfer/import.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import { TestService } from '../../service.ts';
import { attributeOf, having, outcome, succeed } from '../ask.ts';
import { active, blockOf, encryptWith, mask, register, symmetric, wrappingKey } from './wrapping-keys.ts';

const service = await TestService.open();
t.teardown(() => service.close());

const passphrase = 'pässwort';
const caKey = await generateKey('ec');
const ca = openAuthority(await createAuthority('Test CA', caKey), caKey);
const clients = { rsa: await issueClient(ca, 'one', 'rsa'), ec: await issueClient(ca, 'two', 'ec') };

const link = (LinkType: 'PKCS_12PasswordLink' | 'PKCS_12CertificateLink', id: string): Attribute => ({
  name: 'Link',
  value: { LinkType, LinkedObjectIdentifier: id },
});
const certificate = (pem: string, ...attributes: readonly Attribute[]) =>
  register(
    service,
    {
      type: 'Certificate',
      value: { CertificateType: 'X_509', CertificateValue: new Uint8Array(new X509Certificate(pem).raw) },
    },
    ...attributes,
  );
const privateKey = (KeyMaterial: Uint8Array): ManagedObjectValue => ({
  type: 'PrivateKey',
  value: { KeyBlock: { KeyFormatType: 'PKCS_8', KeyValue: { KeyMaterial, Attributes: [] } } },
});
function secretData(SecretDataType: 'Password' | 'Seed', KeyMaterial: Uint8Array): ManagedObjectValue {
  const KeyBlock: KeyBlock = { KeyFormatType: 'Opaque', KeyValue: { KeyMaterial, Attributes: [] } };
  return { type: 'SecretData', value: { SecretDataType, KeyBlock } };
}

const words = new TextEncoder().encode(passphrase);
const derive = mask('DeriveKey');
const password = await register(service, secretData('Password', words), active, derive);
const top = await certificate(ca.certificate);
const pkcs8 = (kind: 'rsa' | 'ec') =>
  new Uint8Array(clients[kind].key.export({ type: 'pkcs8', format: 'der' }));
const sha256 = (data: Uint8Array) => new Uint8Array(hash('sha256', data, 'buffer'));
const wanted = { KeyFormatType: 'PKCS_12' } as const;

/** The file in a Key Block: in place of the Key Value in 1.x, as Key Material in it from 2.0 on. */
function fileIn({ KeyValue }: KeyBlock, version: Version): Uint8Array {
  if (eraOf(version) === '1.x') return KeyValue as Uint8Array;
  return (KeyValue as { KeyMaterial: Uint8Array }).KeyMaterial;
}

t.test('Get returns a private key with its certificates as PKCS#12', async (t) => {
  // The key derivations take a second, so each version is asked of one key.
  for (const [kind, isLinked, version] of [
    ['rsa', true, '1.4'],
    ['rsa', false, '2.0'],
    ['ec', true, '2.1'],
  ] as const) {
    const own = await certificate(clients[kind].certificate, link('PKCS_12CertificateLink', top));
    const links = isLinked ? [link('PKCS_12CertificateLink', own)] : [];
    const name: Attribute = { name: 'PKCS_12FriendlyName', value: 'friend' };
    const key = privateKey(pkcs8(kind));
    const id = await register(service, key, link('PKCS_12PasswordLink', password), name, ...links);
    const block = await blockOf(service, id, wanted, version);
    t.same(Object.keys(block), ['KeyFormatType', 'KeyValue'], version);
    const pfx = Buffer.from(fileIn(block, version));
    t.throws(() => createSecureContext({ pfx, passphrase: 'x' }), /mac verify failure/i);
    t.equal(pfx.includes(new X509Certificate(ca.certificate).raw), isLinked, 'all the chain');
    if (isLinked) t.doesNotThrow(() => createSecureContext({ pfx, passphrase }), `${kind} ${version}`);
    const KeyMaterial = new Uint8Array(pfx);
    const bundle: KeyBlock = { KeyFormatType: 'PKCS_12', KeyValue: { KeyMaterial, Attributes: [] } };
    const again: ManagedObjectValue = { type: 'PrivateKey', value: { KeyBlock: bundle } };
    const registered = await register(service, again, link('PKCS_12PasswordLink', password));
    t.same(await blockOf(service, registered, {}), bundle, 'registered it comes back as it is');
    t.same(await blockOf(service, registered, wanted), bundle);
    const opened = await blockOf(service, registered, { KeyFormatType: 'PKCS_8' });
    t.same(opened.KeyValue, { KeyMaterial: pkcs8(kind), Attributes: [] }, 'and its key in other formats');
    t.equal(await attributeOf(service, registered, 'CryptographicAlgorithm'), kind.toUpperCase());
    const wrong = await register(service, secretData('Password', words.slice(1)), active, derive);
    const request = {
      ObjectType: 'PrivateKey',
      Attributes: having(link('PKCS_12PasswordLink', wrong)),
      Object: again,
    } as const;
    t.equal(
      await outcome(service, '2.1', Register, request),
      'BadPassword',
      'but not under another password',
    );
  }
});

t.test('Get refuses PKCS#12 for unsuitable keys, passwords and certificates', async (t) => {
  const key = privateKey(pkcs8('rsa'));
  const seed = await register(service, secretData('Seed', words), active, derive);
  const latin = await register(service, secretData('Password', Uint8Array.of(0xff)), active, derive);
  const preActive = await register(service, secretData('Password', words), derive);
  const other = await register(service, secretData('Password', words), active, mask('Encrypt'));
  const foreignCertificate = await certificate(clients.ec.certificate);
  const passwordLink = link('PKCS_12PasswordLink', password);
  const sensitive: Attribute = { name: 'Sensitive', value: true };
  const rows = [
    ['no password', key, [], 'InvalidField', 'BadPassword'],
    ['two', key, [passwordLink, link('PKCS_12PasswordLink', other)], 'InvalidField', 'BadPassword'],
    ['a link to nothing', key, [link('PKCS_12PasswordLink', 'nobody')], 'InvalidField', 'BadPassword'],
    ['to a seed', key, [link('PKCS_12PasswordLink', seed)], 'InvalidField', 'BadPassword'],
    ['to a certificate', key, [link('PKCS_12PasswordLink', top)], 'InvalidField', 'BadPassword'],
    [
      'a password that is no text',
      key,
      [link('PKCS_12PasswordLink', latin)],
      'InvalidField',
      'BadCryptographicParameters',
    ],
    [
      'a Pre-Active one',
      key,
      [link('PKCS_12PasswordLink', preActive)],
      'PermissionDenied',
      'WrongKeyLifecycleState',
    ],
    ['one for other uses', key, [link('PKCS_12PasswordLink', other)], 'PermissionDenied', 'PermissionDenied'],
    [
      'another certificate',
      key,
      [passwordLink, link('PKCS_12CertificateLink', foreignCertificate)],
      'InvalidField',
      'InvalidField',
    ],
    [
      'a certificate that is none',
      key,
      [passwordLink, link('PKCS_12CertificateLink', password)],
      'InvalidField',
      'InvalidField',
    ],
    [
      'a symmetric key',
      symmetric(words),
      [passwordLink],
      'KeyFormatTypeNotSupported',
      'KeyFormatTypeNotSupported',
    ],
    ['a sensitive key', key, [passwordLink, sensitive], 'Sensitive', 'Sensitive'],
  ] as const;
  for (const [when, object, attributes, classic, modern] of rows) {
    const UniqueIdentifier = await register(service, object, ...attributes);
    for (const version of ['1.4', '2.1'] as const) {
      const reason = eraOf(version) === '1.x' ? classic : modern;
      const request = { UniqueIdentifier, ...wanted };
      t.equal(await outcome(service, version, Get, request), reason, `${version}: ${when}`);
      t.equal(await outcome(service, version, Export, request), reason, `${version}: ${when}`);
    }
  }
});

t.test('Register checks the password of a PKCS#12', async (t) => {
  const preActive = await register(service, secretData('Password', words), derive);
  const KeyBlock: KeyBlock = { KeyFormatType: 'PKCS_12', KeyValue: new Uint8Array(64) };
  const Object: ManagedObjectValue = { type: 'PrivateKey', value: { KeyBlock } };
  for (const [links, classic, modern] of [
    [[], 'InvalidField', 'BadPassword'],
    [[link('PKCS_12PasswordLink', 'nobody')], 'InvalidField', 'BadPassword'],
    [[link('PKCS_12PasswordLink', top)], 'InvalidField', 'BadPassword'],
    [[link('PKCS_12PasswordLink', preActive)], 'PermissionDenied', 'WrongKeyLifecycleState'],
    [[link('PKCS_12PasswordLink', password)], 'Success', 'Success'],
  ] as const) {
    const request = { ObjectType: 'PrivateKey', Attributes: having(...links), Object } as const;
    t.equal(await outcome(service, '1.4', Register, request), classic);
    t.equal(await outcome(service, '2.0', Register, request), modern);
    t.equal(await outcome(service, '2.1', Register, request), modern);
  }
  const plain = { ...Object, value: { KeyBlock: { ...KeyBlock, KeyFormatType: 'PKCS_8' } } } as const;
  const bytes = { ObjectType: 'PrivateKey', Attributes: having(), Object: plain } as const;
  t.equal(
    await outcome(service, '2.1', Register, bytes),
    'InvalidField',
    'other bytes are wrapped or nothing',
  );
});

t.test('a PKCS#12 in the form of any version comes back in the form of the version that asks', async (t) => {
  const file = createPkcs12({
    ...clients.ec,
    authorities: [],
    password: passphrase,
    encryption: 'aes',
    iterations: 1_000,
  });
  const forms = { '1.x': file, '2.x': { KeyMaterial: file, Attributes: [] } } as const;
  const versions = ['1.4', '2.0', '2.1'] as const;
  for (const by of versions) {
    for (const [form, KeyValue] of Object.entries(forms)) {
      const Object: ManagedObjectValue = {
        type: 'PrivateKey',
        value: { KeyBlock: { KeyFormatType: 'PKCS_12', KeyValue } },
      };
      const when = `${by} ${form}`;
      const Attributes = [link('PKCS_12PasswordLink', password)];
      const request = { ObjectType: 'PrivateKey', Attributes: having(...Attributes), Object } as const;
      const registered = (await succeed(service, by, Register, request)).UniqueIdentifier;
      const UniqueIdentifier = `imported ${when}`;
      await succeed(service, by, Import, { UniqueIdentifier, Attributes, Object });
      for (const id of [registered, UniqueIdentifier]) {
        for (const version of versions) {
          const expected = forms[eraOf(version)];
          for (const KeyFormatType of [undefined, 'PKCS_12'] as const) {
            const got = await succeed(service, version, Get, { UniqueIdentifier: id, KeyFormatType });
            t.same(
              (got.Object as KeyedObjectValue).value.KeyBlock.KeyValue,
              expected,
              `${when}: Get ${version}`,
            );
            const out = await succeed(service, version, Export, { UniqueIdentifier: id, KeyFormatType });
            t.same((out.Object as KeyedObjectValue).value.KeyBlock.KeyValue, expected, `${when}: Export`);
          }
          const opened = await blockOf(service, id, { KeyFormatType: 'PKCS_8' }, version);
          t.same(opened.KeyValue, { KeyMaterial: pkcs8('ec'), Attributes: [] }, `${when}: opened`);
        }
        const digest = { HashingAlgorithm: 'SHA_256', DigestValue: sha256(file), KeyFormatType: 'PKCS_12' };
        t.same(await attributeOf(service, id, 'Digest'), digest, `${when}: the Digest is that of the file`);
        const wrapped = { UniqueIdentifier: id, ...encryptWith(await wrappingKey(service)) };
        t.equal(
          await outcome(service, '2.1', Get, wrapped),
          'KeyWrapTypeNotSupported',
          `${when}: not wrapped`,
        );
      }
    }
  }
});

t.test('Get refuses to wrap a PKCS#12', async (t) => {
  const id = await register(service, privateKey(pkcs8('rsa')), link('PKCS_12PasswordLink', password));
  const request = { UniqueIdentifier: id, ...wanted, ...encryptWith(await wrappingKey(service)) };
  t.equal(await outcome(service, '2.1', Get, request), 'KeyWrapTypeNotSupported');
  t.equal((await succeed(service, '2.1', Get, { UniqueIdentifier: id })).ObjectType, 'PrivateKey');
});
