import t from 'tap';
import type { Attribute } from '../../codec/attribute.ts';
import type { KeyFormatType } from '../../codec/enums.ts';
import type { Version } from '../../codec/version.ts';
import { CreateKeyPair } from '../../src/operations/creation/create-key-pair.ts';
import { Register } from '../../src/operations/transfer/register.ts';
import { asymmetricKey } from '../protocol/known-answers/vector-client.ts';
import { attributeOf, having, outcome, succeed } from '../protocol/operations/ask.ts';
import { blockOf, mask, register } from '../protocol/operations/transfer/wrapping-keys.ts';
import { TestService } from '../protocol/service.ts';
import { missing, OpenSsl } from './openssl.ts';

/** OpenSSL's command line reads the keys of the server, and the other way round. */

const service = await TestService.open();
t.teardown(() => service.close());
const openssl = new OpenSsl(t);
const skip = missing;

const algorithm = (value: string) => ({ name: 'CryptographicAlgorithm', value }) as Attribute;
const bits = (value: number): Attribute => ({ name: 'CryptographicLength', value });
const curve = (RecommendedCurve: string) =>
  ({ name: 'CryptographicDomainParameters', value: { RecommendedCurve } }) as Attribute;

async function material(id: string, KeyFormatType: KeyFormatType, version: Version): Promise<Uint8Array> {
  const block = await blockOf(service, id, { KeyFormatType }, version);
  return (block.KeyValue as { KeyMaterial: Uint8Array }).KeyMaterial;
}

const read: readonly Version[] = ['1.0', '1.4', '2.1'];

const made: readonly (readonly [name: string, attributes: readonly Attribute[]])[] = [
  ['RSA 2048', [algorithm('RSA'), bits(2048)]],
  ['RSA 3072', [algorithm('RSA'), bits(3072)]],
  ['DSA 2048', [algorithm('DSA'), bits(2048)]],
  ...[
    'P_224',
    'P_256',
    'P_384',
    'P_521',
    'SECP256K1',
    'BRAINPOOLP256R1',
    'BRAINPOOLP384R1',
    'BRAINPOOLP512T1',
  ]
    .concat('K_283', 'B_409')
    .map((name) => [name, [algorithm('ECDSA'), curve(name)]] as const),
  ['Ed25519', [algorithm('Ed25519')]],
  ['Ed448', [algorithm('Ed448')]],
  ['X25519', [algorithm('ECDH'), curve('CURVE25519')]],
  ['X448', [algorithm('ECDH'), curve('CURVE448')]],
];

t.test('OpenSSL reads keys of the server in every format that it knows', { skip }, async (t) => {
  for (const [name, attributes] of made) {
    const { PrivateKeyUniqueIdentifier: id, PublicKeyUniqueIdentifier: publicId } = await succeed(
      service,
      '2.1',
      CreateKeyPair,
      {
        CommonAttributes: having(...attributes),
        PrivateKeyAttributes: having(mask('Sign')),
        PublicKeyAttributes: having(mask('Verify')),
      },
    );
    for (const version of read) {
      const what = `${name} ${version}`;
      const der = await material(id, 'PKCS_8', version);
      const file = openssl.file(der);
      const spki = await material(publicId, 'X_509', version);
      const publicFile = openssl.file(spki);
      const { text } = await openssl.try('pkey -inform DER -check -noout -in', file);
      t.match(text, name.startsWith('X') ? /valid|not supported/ : /Key is valid/, `${what}: private`);
      t.same(
        await openssl.ask('pkey -inform DER -pubout -outform DER -in', file),
        spki,
        `${what}: its public key`,
      );
      t.same(
        await openssl.ask('pkcs8 -topk8 -nocrypt -inform DER -outform DER -in', file),
        der,
        `${what}: written as we do`,
      );
      const pem = openssl.file(await openssl.ask('pkey -inform DER -in', file));
      t.same(OpenSsl.der(openssl.read(pem)), der, `${what}: in PEM`);
      t.same(
        await openssl.ask('pkey -pubin -inform DER -outform DER -in', publicFile),
        spki,
        `${what}: public, written as we do`,
      );
      if (name.startsWith('RSA')) {
        const pkcs1 = await material(id, 'PKCS_1', version);
        const own = openssl.file(pkcs1);
        t.match((await openssl.try('rsa -inform DER -check -noout -in', own)).text, /RSA key ok/, what);
        t.same(
          await openssl.ask('rsa -inform DER -traditional -outform DER -in', file),
          pkcs1,
          `${what}: PKCS #1`,
        );
        t.same(
          await openssl.ask('rsa -pubin -inform DER -RSAPublicKey_out -outform DER -in', publicFile),
          await material(publicId, 'PKCS_1', version),
          `${what}: public PKCS #1`,
        );
      } else if (/\d/.test(name) && /^(P_|SECP|BRAIN|K_|B_)/.test(name)) {
        const sec1 = await material(id, 'ECPrivateKey', version);
        const own = openssl.file(sec1);
        t.match((await openssl.try('ec -inform DER -check -noout -in', own)).text, /EC Key valid/, what);
        t.same(await openssl.ask('ec -inform DER -outform DER -in', file), sec1, `${what}: SEC 1`);
      }
    }
  }
});

/** The command of OpenSSL that generates a key, and the formats in which it writes the key. */
const foreign: readonly (readonly [name: string, args: string, length: number])[] = [
  ...[1024, 1536, 2048, 3072, 4096].map(
    (size) => [`RSA ${size}`, `genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:${size}`, size] as const,
  ),
  [
    'RSA 2048, exponent 3',
    'genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3',
    2048,
  ],
  ...(
    [
      ['P-256', 256],
      ['P-384', 384],
      ['P-521', 521],
      ['secp224r1', 224],
      ['prime192v1', 192],
      ['secp256k1', 256],
      ['sect283k1', 283],
      ['brainpoolP160r1', 160],
      ['brainpoolP224t1', 224],
      ['brainpoolP256r1', 256],
      ['brainpoolP320r1', 320],
      ['brainpoolP384r1', 384],
      ['brainpoolP512r1', 512],
    ] as const
  ).map(
    ([name, size]) =>
      [`EC ${name}`, `genpkey -algorithm EC -pkeyopt ec_paramgen_curve:${name}`, size] as const,
  ),
  ['Ed25519', 'genpkey -algorithm ED25519', 256],
  ['Ed448', 'genpkey -algorithm ED448', 456],
  ['X25519', 'genpkey -algorithm X25519', 256],
  ['X448', 'genpkey -algorithm X448', 448],
  ['DH 2048', 'genpkey -algorithm DH -pkeyopt group:modp_2048', 2048],
  ['DH ffdhe3072', 'genpkey -algorithm DH -pkeyopt group:ffdhe3072', 3072],
];

t.test('the server reads keys of OpenSSL in every format that it writes', { skip }, async (t) => {
  for (const [name, args, length] of foreign) await comesBack(t, name, await openssl.ask(args), length);
  for (const [size, q] of [
    [1024, 160],
    [2048, 224],
    [2048, 256],
    [3072, 256],
  ] as const) {
    const made = `genpkey -genparam -algorithm DSA -pkeyopt dsa_paramgen_bits:${size} -pkeyopt dsa_paramgen_q_bits:${q}`;
    const parameters = openssl.file(await openssl.ask(made));
    const pem = await openssl.ask('genpkey -paramfile', parameters);
    await comesBack(t, `DSA ${size} ${q}`, pem, size);
  }
});

type Tap = {
  same(a: unknown, b: unknown, message: string): unknown;
  equal(a: unknown, b: unknown, message: string): unknown;
};

/** Registers a key in each of its formats and gets it in each. */
async function comesBack(t: Tap, name: string, pem: Uint8Array, length: number): Promise<void> {
  const file = openssl.file(pem);
  const pkcs8 = OpenSsl.der(pem);
  const spki = await openssl.ask('pkey -pubout -outform DER -in', file);
  const privateForms: [KeyFormatType, Uint8Array][] = [['PKCS_8', pkcs8]];
  const publicForms: [KeyFormatType, Uint8Array][] = [['X_509', spki]];
  if (name.startsWith('RSA')) {
    privateForms.push(['PKCS_1', await openssl.ask('rsa -traditional -outform DER -in', file)]);
    publicForms.push(['PKCS_1', await openssl.ask('rsa -RSAPublicKey_out -outform DER -in', file)]);
  } else if (name.startsWith('EC ')) {
    privateForms.push(['ECPrivateKey', await openssl.ask('ec -outform DER -in', file)]);
  }
  for (const [type, forms] of [
    ['PrivateKey', privateForms],
    ['PublicKey', publicForms],
  ] as const) {
    for (const [from, der] of forms) {
      const id = await register(service, asymmetricKey(type, from, der), mask('Sign', 'Verify'));
      for (const version of read) {
        t.equal(
          await attributeOf(service, id, 'CryptographicLength', version),
          length,
          `${name} ${type} ${from} ${version}: length`,
        );
        for (const [to, expected] of forms)
          t.same(await material(id, to, version), expected, `${name} ${type} ${version}: ${from} as ${to}`);
      }
    }
  }
}

t.test('Register refuses RSA keys of three primes', { skip }, async (t) => {
  const args = 'genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_primes:3';
  const Object = asymmetricKey('PrivateKey', 'PKCS_8', OpenSsl.der(await openssl.ask(args)));
  const request = { ObjectType: Object.type, Attributes: having(), Object } as const;
  t.equal(await outcome(service, '2.1', Register, request), 'InvalidField');
});

t.test('a key is unchanged after an exchange in PEM', { skip }, async (t) => {
  for (const args of [
    'genrsa 2048',
    'ecparam -name prime256v1 -genkey -noout',
    'genpkey -algorithm ED25519',
  ]) {
    const first = openssl.file(await openssl.ask(args));
    const pkcs8 = OpenSsl.der(await openssl.ask('pkcs8 -topk8 -nocrypt -in', first));
    let der = pkcs8;
    for (let round = 0; round < 3; round += 1) {
      const id = await register(service, asymmetricKey('PrivateKey', 'PKCS_8', der), mask('Sign'));
      const given = openssl.file(await material(id, 'PKCS_8', '2.1'));
      der = OpenSsl.der(await openssl.ask('pkey -inform DER -in', given));
    }
    t.same(der, pkcs8, args);
  }
});
