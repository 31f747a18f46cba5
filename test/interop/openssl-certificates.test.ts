import t from 'tap';
import type { Attribute } from '../../codec/attribute.ts';
import type { ManagedObjectValue } from '../../codec/structures/managed-objects.ts';
import { AddAttribute } from '../../src/operations/attributes/add-attribute.ts';
import { Certify } from '../../src/operations/certificates/certify.ts';
import { Validate } from '../../src/operations/certificates/validate.ts';
import { CreateKeyPair } from '../../src/operations/creation/create-key-pair.ts';
import { asymmetricKey } from '../protocol/known-answers/vector-client.ts';
import { having, outcome, succeed } from '../protocol/operations/ask.ts';
import {
  attribute,
  authority,
  carrying,
  certificateOf,
  keyPair,
  linkTo,
  name,
  p256,
  subordinate,
} from '../protocol/operations/certificates/authority.ts';
import { active, blockOf, mask, register } from '../protocol/operations/transfer/wrapping-keys.ts';
import { TestService } from '../protocol/service.ts';
import { missing, OpenSsl } from './openssl.ts';

/** Certificates, certificate requests and PKCS#12 files are exchanged with OpenSSL's command line. */

const service = await TestService.open();
t.teardown(() => service.close());
// OpenSSL uses the clock of the machine.
service.now = Date.now();
const openssl = new OpenSsl(t);
const skip = missing;

const rsa = [attribute('CryptographicAlgorithm', 'RSA'), attribute('CryptographicLength', 2048)];
const on = (RecommendedCurve: 'P_384' | 'P_521') => [
  attribute('CryptographicAlgorithm', 'ECDSA'),
  attribute('CryptographicDomainParameters', { RecommendedCurve }),
];
const authorities: readonly (readonly [string, readonly Attribute[]])[] = [
  ['RSA', rsa],
  ['P-256', p256],
  ['P-384', on('P_384')],
  ['P-521', on('P_521')],
  ['Ed25519', [attribute('CryptographicAlgorithm', 'Ed25519')]],
];

const pemOf = async (der: Uint8Array) =>
  openssl.file(await openssl.ask('x509 -inform DER -in', openssl.file(der)));

/** Returns the output of `openssl verify` for a chain, strictly by RFC 5280. */
async function verified(
  root: Uint8Array,
  leaf: Uint8Array,
  ...between: readonly Uint8Array[]
): Promise<string> {
  const args = ['-CAfile', await pemOf(root)];
  for (const der of between) args.push('-untrusted', await pemOf(der));
  return (await openssl.try('verify -x509_strict', ...args, await pemOf(leaf))).text;
}

t.test('OpenSSL accepts chains that Certify issued', { skip }, async (t) => {
  const other = await authority(service, 'Other');
  for (const [kind, key] of authorities) {
    const root = await authority(service, `Root ${kind}`, key);
    const below = await subordinate(service, root, `Issuing ${kind}`);
    const pair = await keyPair(service);
    const { UniqueIdentifier: id } = await succeed(service, '1.4', Certify, {
      UniqueIdentifier: pair.publicKey,
      Attributes: having(attribute('CertificateSubject', subjectOf('leaf')), linkTo(below.certificate)),
    });
    const leaf = await certificateOf(service, id);
    t.match(await verified(root.der, root.der), /: OK/, `${kind}: the root`);
    t.match(await verified(root.der, below.der), /: OK/, `${kind}: an authority below it`);
    t.match(await verified(root.der, leaf, below.der), /: OK/, `${kind}: a certificate below that`);
    t.match(await verified(root.der, leaf), /unable to get local issuer/, `${kind}: a gap`);
    t.match(await verified(other.der, leaf, below.der), /error/, `${kind}: another root`);
    const changed = leaf.map((byte, at) => (at === leaf.length - 1 ? byte ^ 1 : byte));
    t.match(await verified(root.der, changed, below.der), /signature failure|error/, `${kind}: changed`);
    const { text } = await openssl.try('x509 -noout -text -inform DER -in', openssl.file(leaf));
    t.match(text, /CA:FALSE/, kind);
    t.match(text, /DNS:leaf\.example\.com/, `${kind}: an alternative name`);
  }
});

const subjectOf = (common: string) => ({
  CertificateSubjectDistinguishedName: `CN=${common},O=Acme`,
  CertificateSubjectAlternativeName: [`${common}.example.com`],
});

t.test('Certify accepts certificate requests of OpenSSL', { skip }, async (t) => {
  const root = await authority(service, 'Root of requests');
  const link = linkTo(root.certificate);
  for (const args of [
    'RSA -pkeyopt rsa_keygen_bits:2048',
    'RSA -pkeyopt rsa_keygen_bits:4096',
    'EC -pkeyopt ec_paramgen_curve:P-256',
    'EC -pkeyopt ec_paramgen_curve:P-521',
    'EC -pkeyopt ec_paramgen_curve:secp256k1',
    'EC -pkeyopt ec_paramgen_curve:brainpoolP256r1',
    'ED25519',
    'ED448',
  ]) {
    const key = openssl.file(await openssl.ask(`genpkey -algorithm ${args}`));
    const asked = `req -new -batch -key ${key} -subj /C=CH/O=Acme/CN=asked -addext subjectAltName=DNS:a.example.org,IP:10.1.2.3 -addext keyUsage=digitalSignature`;
    const der = await openssl.ask(`${asked} -outform DER`);
    const pem = await openssl.ask(`req -inform DER -in ${openssl.file(der)}`);
    const publicKey = await openssl.ask(`pkey -pubout -in ${key}`);
    for (const version of ['1.0', '1.4', '2.1'] as const) {
      for (const [type, value] of [
        ['PKCS_10', der],
        ['PEM', pem],
      ] as const) {
        const what = `${version} ${type} ${args}`;
        const { UniqueIdentifier: id } = await succeed(service, version, Certify, {
          ...carrying(version, value, type),
          Attributes: having(link),
        });
        const made = await certificateOf(service, id);
        t.match(await verified(root.der, made), /: OK/, what);
        const file = openssl.file(made);
        t.same(
          await openssl.ask(`x509 -inform DER -noout -pubkey -in ${file}`),
          publicKey,
          `${what}: its key`,
        );
        const { text } = await openssl.try(
          `x509 -inform DER -noout -subject -ext subjectAltName,keyUsage -in ${file}`,
        );
        t.match(text, /CN ?= ?asked/, what);
        t.match(text, /DNS:a\.example\.org, IP Address:10\.1\.2\.3/, what);
        t.match(text, /Digital Signature/, what);
      }
      const forged = der.map((byte, at) => (at === der.length - 1 ? byte ^ 1 : byte));
      const request = { ...carrying(version, forged), Attributes: having(link) };
      t.not(await outcome(service, version, Certify, request), 'Success', `${version} ${args}: forged`);
    }
  }
});

t.test('Certify accepts a public key of OpenSSL', { skip }, async (t) => {
  const root = await authority(service, 'Root of keys');
  for (const args of ['RSA', 'EC -pkeyopt ec_paramgen_curve:P-384', 'ED25519', 'X25519']) {
    const key = openssl.file(await openssl.ask(`genpkey -algorithm ${args}`));
    const spki = await openssl.ask(`pkey -pubout -outform DER -in ${key}`);
    const id = await register(service, asymmetricKey('PublicKey', 'X_509', spki), mask('Verify'));
    const { UniqueIdentifier } = await succeed(service, '2.1', Certify, {
      UniqueIdentifier: id,
      Attributes: having(...name('Subject', { CN: args }), linkTo(root.certificate)),
    });
    t.match(await verified(root.der, await certificateOf(service, UniqueIdentifier)), /: OK/, args);
  }
});

const password = 'pässwort 1';

/** Link to an object that holds the password. */
async function passwordLink(): Promise<Attribute> {
  const KeyMaterial = new TextEncoder().encode(password);
  const secret: ManagedObjectValue = {
    type: 'SecretData',
    value: {
      SecretDataType: 'Password',
      KeyBlock: { KeyFormatType: 'Opaque', KeyValue: { KeyMaterial, Attributes: [] } },
    },
  };
  return link('PKCS_12PasswordLink', await register(service, secret, active, mask('DeriveKey')));
}

const link = (
  LinkType: 'PKCS_12PasswordLink' | 'PKCS_12CertificateLink',
  LinkedObjectIdentifier: string,
): Attribute => attribute('Link', { LinkType, LinkedObjectIdentifier });

t.test('OpenSSL reads PKCS#12 files of Get', { skip }, async (t) => {
  const root = await authority(service, 'Root of bundles');
  const passwordOf = await passwordLink();
  for (const [kind, key] of authorities) {
    const made = await succeed(service, '2.1', CreateKeyPair, {
      CommonAttributes: having(...key),
      PrivateKeyAttributes: having(mask('Sign'), passwordOf),
      PublicKeyAttributes: having(mask('Verify')),
    });
    const { UniqueIdentifier: certificate } = await succeed(service, '2.1', Certify, {
      UniqueIdentifier: made.PublicKeyUniqueIdentifier,
      Attributes: having(...name('Subject', { CN: kind }), linkTo(root.certificate)),
    });
    const id = made.PrivateKeyUniqueIdentifier;
    for (const [from, to] of [
      [id, certificate],
      [certificate, root.certificate],
    ] as const) {
      const NewAttribute = link('PKCS_12CertificateLink', to);
      await succeed(service, '2.1', AddAttribute, { UniqueIdentifier: from, NewAttribute } as never);
    }
    const plain = (await blockOf(service, id, { KeyFormatType: 'PKCS_8' })).KeyValue as {
      KeyMaterial: Uint8Array;
    };
    for (const version of ['1.4', '2.1'] as const) {
      const block = await blockOf(service, id, { KeyFormatType: 'PKCS_12' }, version);
      // From 2.0 on the file is Key Material, before it is in the place of the Key Value.
      const { KeyValue: keyValue } = block;
      const archive = keyValue instanceof Uint8Array ? keyValue : keyValue?.KeyMaterial;
      const file = openssl.file(archive as Uint8Array);
      const opened = await openssl.ask(`pkcs12 -nodes -nocerts -in ${file} -passin`, `pass:${password}`);
      t.same(OpenSsl.der(opened), plain.KeyMaterial, `${version} ${kind}: the key`);
      const leaf = await openssl.ask(`pkcs12 -nokeys -clcerts -in ${file} -passin`, `pass:${password}`);
      t.same(
        OpenSsl.der(leaf),
        await certificateOf(service, certificate),
        `${version} ${kind}: its certificate`,
      );
      const above = await openssl.ask(`pkcs12 -nokeys -cacerts -in ${file} -passin`, `pass:${password}`);
      t.same(OpenSsl.der(above), root.der, `${version} ${kind}: and whose it is`);
      const refused = await openssl.try(`pkcs12 -nodes -in ${file} -passin pass:other`);
      t.match(refused.text, /invalid password/, `${version} ${kind}: another password`);
    }
  }
});

t.test('Register reads PKCS#12 files of OpenSSL', { skip }, async (t) => {
  const passwordOf = await passwordLink();
  for (const args of [
    'RSA -pkeyopt rsa_keygen_bits:2048',
    'EC -pkeyopt ec_paramgen_curve:P-256',
    'ED25519',
  ]) {
    const key = openssl.file(await openssl.ask(`genpkey -algorithm ${args}`));
    const certificate = openssl.file(await openssl.ask(`req -x509 -key ${key} -subj /CN=bundled -days 30`));
    const pkcs8 = OpenSsl.der(await openssl.ask(`pkcs8 -topk8 -nocrypt -in ${key}`));
    for (const how of [
      '-name friend',
      '-iter 10000',
      '-certpbe AES-128-CBC -keypbe AES-192-CBC -macalg sha384',
      '-certpbe AES-256-CBC -keypbe AES-256-CBC -macalg sha224',
      '-certpbe NONE -keypbe AES-256-CBC -macalg sha512',
      '-certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES -macalg sha1',
    ]) {
      const bundle = await openssl.ask(
        `pkcs12 -export -inkey ${key} -in ${certificate} ${how} -passout`,
        `pass:${password}`,
      );
      const value = { KeyBlock: { KeyFormatType: 'PKCS_12', KeyValue: bundle } } as const;
      const id = await register(service, { type: 'PrivateKey', value }, passwordOf);
      for (const version of ['1.4', '2.1'] as const) {
        const block = await blockOf(service, id, { KeyFormatType: 'PKCS_8' }, version);
        t.same(
          (block.KeyValue as { KeyMaterial: Uint8Array }).KeyMaterial,
          pkcs8,
          `${version} ${args} ${how}`,
        );
      }
    }
  }
});

t.test('Validate checks chains of OpenSSL', { skip }, async (t) => {
  const make = async (subject: string, extensions: string, issuer?: { key: string; certificate: string }) => {
    const key = openssl.file(await openssl.ask('genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256'));
    const request = openssl.file(await openssl.ask(`req -new -batch -key ${key} -subj /CN=${subject}`));
    const by = issuer === undefined ? `-signkey ${key}` : `-CA ${issuer.certificate} -CAkey ${issuer.key}`;
    const serial = `-set_serial ${Math.floor(Math.random() * 1e9)}`;
    const pem = await openssl.ask(
      `x509 -req -in ${request} -days 30 ${by} ${serial} -extfile ${openssl.file(extensions)}`,
    );
    return { key, certificate: openssl.file(pem), der: OpenSsl.der(pem) };
  };
  const ca = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n';
  const plain = 'basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\n';
  const root = await make('root', ca);
  const below = await make('below', ca, root);
  const leaf = await make('leaf', plain, below);
  const overreaching = await make('overreaching', plain, leaf);
  const unsigned = { der: leaf.der.map((byte, at) => (at === leaf.der.length - 1 ? byte ^ 1 : byte)) };
  const x509 = (CertificateValue: Uint8Array) => ({ CertificateType: 'X_509', CertificateValue }) as const;
  await register(service, { type: 'Certificate', value: x509(root.der) });
  service.now = Date.now();
  for (const version of ['1.0', '1.4', '2.1'] as const) {
    const said = async (...chain: readonly { der: Uint8Array }[]) =>
      (await succeed(service, version, Validate, { Certificate: chain.map(({ der }) => x509(der)) }))
        .ValidityIndicator;
    t.equal(await said(leaf, below, root), 'Valid', version);
    t.equal(await said(leaf, below), 'Valid', `${version}: the root is known`);
    t.equal(await said(unsigned, below, root), 'Invalid', `${version}: a signature that was changed`);
    t.equal(await said(overreaching, leaf, below, root), 'Invalid', `${version}: issued by who may not`);
    const then = { ValidityDate: Math.floor(Date.now() / 1000) + 40 * 86_400 };
    const late = { Certificate: [leaf, below, root].map(({ der }) => x509(der)), ...then };
    t.equal(
      (await succeed(service, version, Validate, late)).ValidityIndicator,
      'Invalid',
      `${version}: over`,
    );
  }
});
