import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { Attribute } from '../../codec/attribute.ts';
import { type Kind, standIn } from './objects.ts';
import { block, bytes, masked, name, object, register, type Seed, symmetric, template } from './values.ts';

/** DER of the keys that the corpus registers; made once, when the corpus is written. */
export function keyMaterial() {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const der = (pair: typeof rsa | typeof ec, type: 'pkcs1' | 'pkcs8' | 'sec1') =>
    new Uint8Array(
      createPrivateKey(pair.privateKey.export({ format: 'pem', type: 'pkcs8' })).export({
        format: 'der',
        type,
      } as never) as unknown as Uint8Array,
    );
  const spki = (pair: typeof rsa | typeof ec) =>
    new Uint8Array(
      createPublicKey(pair.publicKey.export({ format: 'pem', type: 'spki' })).export({
        format: 'der',
        type: 'spki',
      }),
    );
  const postQuantum = [
    generateKeyPairSync('ml-kem-768'),
    generateKeyPairSync('ml-dsa-44'),
    generateKeyPairSync('slh-dsa-sha2-128f'),
  ];
  return {
    postQuantum8: postQuantum.map((pair) => der(pair, 'pkcs8')),
    postQuantumPublic: postQuantum.map(spki),
    rsa1: der(rsa, 'pkcs1'),
    rsa8: der(rsa, 'pkcs8'),
    rsaPublic: spki(rsa),
    ec1: der(ec, 'sec1'),
    ec8: der(ec, 'pkcs8'),
    ecPublic: spki(ec),
    jwk: rsa.privateKey.export({ format: 'jwk' }),
  };
}
export type Material = ReturnType<typeof keyMaterial>;

/** Big Integer: a zero byte in front keeps it positive, and its length is a multiple of 8. */
function big(base64url: string | undefined): Uint8Array {
  const raw = Buffer.from(base64url ?? '', 'base64url');
  const value = new Uint8Array(8 * Math.ceil((raw.length + 1) / 8));
  value.set(raw, value.length - raw.length);
  return value;
}

/** Registrations of every object type and key format. */
export function registrationSeeds(keys: Material, certificate: Uint8Array): Seed[] {
  return [
    ...symmetricKeySeeds(),
    ...privateKeySeeds(keys),
    ...publicKeySeeds(keys),
    ...secretSeeds(),
    ...certificateSeeds(certificate),
    ...otherSeeds(),
  ];
}

/** Symmetric keys: raw, transparent, wrapped, and without a value. */
function symmetricKeySeeds(): Seed[] {
  const wrapped = {
    KeyFormatType: 'Raw',
    KeyValue: bytes(40),
    CryptographicAlgorithm: 'AES',
    CryptographicLength: 256,
    KeyWrappingData: {
      WrappingMethod: 'Encrypt',
      EncryptionKeyInformation: {
        UniqueIdentifier: standIn('AES key'),
        CryptographicParameters: { BlockCipherMode: 'NISTKeyWrap' },
      },
    },
  };
  return [
    register(symmetric(), masked(12, name('registered'))),
    register(
      object('SymmetricKey', { KeyBlock: block('TransparentSymmetricKey', { Key: bytes(16) }, 'AES', 128) }),
      masked(12),
    ),
    register(object('SymmetricKey', { KeyBlock: wrapped }), masked(12)),
    register(
      object('SymmetricKey', {
        KeyBlock: { KeyFormatType: 'Raw', CryptographicAlgorithm: 'AES', CryptographicLength: 256 },
      }),
      masked(12, { name: 'KeyValuePresent', value: false }),
    ),
  ];
}

/** Private keys in every format; the public post-quantum keys follow theirs. */
function privateKeySeeds(keys: Material): Seed[] {
  const { jwk } = keys;
  const transparentRsa = {
    Modulus: big(jwk.n),
    PrivateExponent: big(jwk.d),
    PublicExponent: big(jwk.e),
    P: big(jwk.p),
    Q: big(jwk.q),
    PrimeExponentP: big(jwk.dp),
    PrimeExponentQ: big(jwk.dq),
    CRTCoefficient: big(jwk.qi),
  };
  const rsa = (format: string, material: unknown) =>
    object('PrivateKey', { KeyBlock: block(format, material, 'RSA', 2048) });
  return [
    register(rsa('PKCS_1', keys.rsa1), masked(1)),
    register(rsa('PKCS_8', keys.rsa8), masked(1)),
    register(rsa('TransparentRSAPrivateKey', transparentRsa), masked(1)),
    // Without Cryptographic Algorithm: only 2.1 has values for these algorithms.
    ...keys.postQuantum8.map((der) => register(object('PrivateKey', { KeyBlock: block('PKCS_8', der) }))),
    ...keys.postQuantumPublic.map((der) => register(object('PublicKey', { KeyBlock: block('X_509', der) }))),
    register(object('PrivateKey', { KeyBlock: block('ECPrivateKey', keys.ec1, 'ECDSA', 256) }), masked(1)),
    register(object('PrivateKey', { KeyBlock: block('PKCS_8', keys.ec8, 'ECDSA', 256) }), masked(1)),
    register(
      object('PrivateKey', {
        KeyBlock: block(
          'TransparentECPrivateKey',
          { RecommendedCurve: 'P_256', D: big('AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA') },
          'ECDSA',
          256,
        ),
      }),
      masked(1),
    ),
    register(
      object('PrivateKey', {
        KeyBlock: block(
          'TransparentDSAPrivateKey',
          { P: bytes(16), Q: bytes(8), G: bytes(8), X: bytes(8) },
          'DSA',
          128,
        ),
      }),
      masked(1),
    ),
    register(
      object('PrivateKey', {
        KeyBlock: block('TransparentDHPrivateKey', { P: bytes(16), G: bytes(8), X: bytes(8) }, 'DH', 128),
      }),
      masked(0x800),
    ),
  ];
}

/** Public keys in every format. */
function publicKeySeeds(keys: Material): Seed[] {
  const { jwk } = keys;
  return [
    register(object('PublicKey', { KeyBlock: block('X_509', keys.rsaPublic, 'RSA', 2048) }), masked(2)),
    register(
      object('PublicKey', {
        KeyBlock: block(
          'TransparentRSAPublicKey',
          { Modulus: big(jwk.n), PublicExponent: big(jwk.e) },
          'RSA',
          2048,
        ),
      }),
      masked(2),
    ),
    register(object('PublicKey', { KeyBlock: block('X_509', keys.ecPublic, 'ECDSA', 256) }), masked(2)),
    register(
      object('PublicKey', {
        KeyBlock: block(
          'TransparentECPublicKey',
          { RecommendedCurve: 'P_256', QString: bytes(65, 4) },
          'ECDSA',
          256,
        ),
      }),
      masked(2),
    ),
  ];
}

/** Secret data and opaque objects. */
function secretSeeds(): Seed[] {
  return [
    register(
      object('SecretData', { SecretDataType: 'Password', KeyBlock: block('Opaque', bytes(12)) }),
      masked(0, name('secret')),
    ),
    register(
      object('SecretData', { SecretDataType: 'Seed', KeyBlock: block('Raw', bytes(96)) }),
      masked(0x200),
    ),
    register(
      object('OpaqueObject', { OpaqueDataType: 0x80000001, OpaqueDataValue: bytes(20) }),
      template(name('opaque')),
    ),
  ];
}

/** Certificates and certificate requests. */
function certificateSeeds(certificate: Uint8Array): Seed[] {
  return [
    register(object('Certificate', { CertificateType: 'X_509', CertificateValue: certificate }), masked(2)),
    register(object('Certificate', { CertificateType: 'PGP', CertificateValue: bytes(40) }), masked(2)),
    register(
      object('CertificateRequest', { CertificateRequestType: 'PKCS_10', CertificateRequestValue: bytes(60) }),
      masked(2),
    ),
  ];
}

/** PGP keys, split keys and templates. */
function otherSeeds(): Seed[] {
  return [
    register(
      object('PGPKey', { PGPKeyVersion: 4, KeyBlock: block('Raw', bytes(40), 'RSA', 2048) }),
      masked(1),
    ),
    register(
      object('SplitKey', {
        SplitKeyParts: 3,
        KeyPartIdentifier: 1,
        SplitKeyThreshold: 2,
        SplitKeyMethod: 'PolynomialSharingPrimeField',
        PrimeFieldSize: bytes(16),
        KeyBlock: block('Raw', bytes(32), 'AES', 256),
      }),
      masked(12),
    ),
    register(
      object('Template', { Attributes: [name('template'), { name: 'CryptographicLength', value: 256 }] }),
      template(name('a template')),
    ),
  ];
}

function part(identifier: number): Seed {
  const value = {
    SplitKeyParts: 3,
    KeyPartIdentifier: identifier,
    SplitKeyThreshold: 2,
    SplitKeyMethod: 'PolynomialSharingGF2_8',
    KeyBlock: block('Raw', bytes(16, identifier), 'AES', 128),
  };
  return register(object('SplitKey', value), masked(12));
}

/** The registration that makes each kind of object. */
export function kindSeeds(keys: Material, certificate: Uint8Array): ReadonlyMap<Kind, Seed> {
  const key = () => register(symmetric(), masked(12));
  const sinceLong: Attribute = { name: 'ActivationDate', value: 1_600_000_000 };
  const rsa = (value: Uint8Array) => object('PrivateKey', { KeyBlock: block('PKCS_8', value, 'RSA', 2048) });
  return new Map<Kind, Seed>([
    [
      'AES key',
      register(
        symmetric(),
        masked(
          12,
          name('fuzz'),
          { name: 'ObjectGroup', value: 'TestGroup' },
          { name: 'UsageLimits', value: { UsageLimitsTotal: 1000n, UsageLimitsUnit: 'Byte' } },
        ),
      ),
    ],
    ['active AES key', register(symmetric(), masked(0x1bc))],
    ['private key', register(rsa(keys.rsa8), masked(9, sinceLong))],
    [
      'public key',
      register(
        object('PublicKey', { KeyBlock: block('X_509', keys.rsaPublic, 'RSA', 2048) }),
        masked(0x16, sinceLong),
      ),
    ],
    [
      'secret data',
      register(
        object('SecretData', { SecretDataType: 'Password', KeyBlock: block('Opaque', bytes(12)) }),
        masked(0),
      ),
    ],
    [
      'certificate',
      register(object('Certificate', { CertificateType: 'X_509', CertificateValue: certificate }), masked(2)),
    ],
    [
      'opaque object',
      register(object('OpaqueObject', { OpaqueDataType: 0x80000001, OpaqueDataValue: bytes(20) })),
    ],
    ['revoked AES key', key()],
    ['destroyed AES key', key()],
    ['archived AES key', key()],
    [
      'sensitive AES key',
      register(
        symmetric(),
        masked(12, { name: 'Sensitive', value: true }, { name: 'Extractable', value: false }),
      ),
    ],
    [
      'EC private key',
      register(
        object('PrivateKey', { KeyBlock: block('PKCS_8', keys.ec8, 'ECDSA', 256) }),
        masked(0x201, sinceLong),
      ),
    ],
    [
      'EC public key',
      register(
        object('PublicKey', { KeyBlock: block('X_509', keys.ecPublic, 'ECDSA', 256) }),
        masked(0x202, sinceLong),
      ),
    ],
    ['deriving key', register(symmetric(bytes(16)), masked(0x200))],
    ['first part', part(1)],
    ['second part', part(2)],
  ]);
}
