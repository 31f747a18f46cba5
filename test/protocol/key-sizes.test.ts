import { execFile } from 'node:child_process';
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import t from 'tap';
import type { Attribute } from '../../codec/attribute.ts';
import type { RecommendedCurve } from '../../codec/enums.ts';
import { isPostQuantum } from '../../src/crypto/algorithms.ts';
import { nodeCrypto } from '../../src/crypto/node/node.ts';
import { CreateKeyPair } from '../../src/operations/creation/create-key-pair.ts';
import { Get } from '../../src/operations/transfer/get.ts';
import { Register } from '../../src/operations/transfer/register.ts';
import { sets } from '../unit/crypto/keys/post-quantum.ts';
import { attributeOf, having, length, materialOf, outcome, succeed } from './operations/ask.ts';
import { TestService } from './service.ts';

const service = await TestService.open({ crypto: { legacy: true } });
t.teardown(() => service.close());

const on = (RecommendedCurve: RecommendedCurve): Attribute => ({
  name: 'CryptographicDomainParameters',
  value: { RecommendedCurve },
});
const subgroup = (Qlength: number): Attribute => ({
  name: 'CryptographicDomainParameters',
  value: { Qlength },
});
const of = (value: string): Attribute => ({ name: 'CryptographicAlgorithm', value }) as Attribute;

type Row = readonly [what: string, attributes: readonly Attribute[]];
const rsa: readonly Row[] = [1_024, 1_536, 2_048, 3_072, 4_096].map((bits) => [
  `RSA ${bits}`,
  [of('RSA'), length(bits)],
]);
const curves: readonly Row[] = nodeCrypto.curves.map((curve) => [`EC ${curve}`, [of('EC'), on(curve)]]);
const byLength: readonly Row[] = [192, 224, 256, 384, 521].map((bits) => [
  `ECDSA ${bits}`,
  [of('ECDSA'), length(bits)],
]);
const dh: readonly Row[] = [1_536, 2_048, 8_192].map((bits) => [`DH ${bits}`, [of('DH'), length(bits)]]);
const rows: readonly Row[] = [
  ...rsa,
  ...curves,
  ...byLength,
  ...dh,
  ['ECDH P-256', [of('ECDH'), on('P_256')]],
  ['ECMQV P-256', [of('ECMQV'), on('P_256')]],
  ['ECDH CURVE25519', [of('ECDH'), on('CURVE25519')]],
  ['Ed25519', [of('Ed25519')]],
  ['Ed448', [of('Ed448')]],
  ['DSA 1024', [of('DSA'), length(1_024)]],
  ['DSA 2048, 224', [of('DSA'), length(2_048), subgroup(224)]],
  ...sets.map((name) => [name, [of(name)]] as const),
];

async function objectsOf(attributes: readonly Attribute[]) {
  const made = await succeed(service, '2.1', CreateKeyPair, { CommonAttributes: having(...attributes) });
  const get = async (UniqueIdentifier: string, KeyFormatType: 'PKCS_8' | 'X_509') =>
    Buffer.from(materialOf((await succeed(service, '2.1', Get, { UniqueIdentifier, KeyFormatType })).Object));
  return {
    id: made.PrivateKeyUniqueIdentifier,
    privateKey: await get(made.PrivateKeyUniqueIdentifier, 'PKCS_8'),
    publicKey: await get(made.PublicKeyUniqueIdentifier, 'X_509'),
  };
}

/** What the command line of OpenSSL says; undefined when it is not here. */
function openssl(
  parameters: readonly string[],
  input: string,
): Promise<{ failed: boolean; said: string } | undefined> {
  return new Promise((resolve) => {
    const child = execFile('openssl', [...parameters], (error, said) =>
      resolve(error?.code === 'ENOENT' ? undefined : { failed: error !== null, said }),
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}
const [, major = '0', minor = '0'] =
  /OpenSSL (\d+)\.(\d+)/.exec((await openssl(['version'], ''))?.said ?? '') ?? [];
const knowsMlKem = Number(major) > 3 || (Number(major) === 3 && Number(minor) >= 5);
t.comment(
  `openssl ${major}.${minor}${knowsMlKem ? '' : ': no post-quantum keys for it, they came with 3.5'}`,
);

t.test(
  'every algorithm, curve and length is generated, and OpenSSL reads both halves',
  { timeout: 120_000 },
  async (t) => {
    for (const [what, attributes] of rows) {
      const pair = await objectsOf(attributes);
      const priv = createPrivateKey({ key: pair.privateKey, format: 'der', type: 'pkcs8' });
      const pub = createPublicKey({ key: pair.publicKey, format: 'der', type: 'spki' });
      t.ok(createPublicKey(priv).equals(pub), what);
      const asked = attributes.find(({ name }) => name === 'CryptographicLength');
      if (asked !== undefined)
        t.equal(await attributeOf(service, pair.id, 'CryptographicLength'), asked.value, what);
      if (major === '0' || (isPostQuantum(attributes[0]?.value as never) && !knowsMlKem)) continue;
      const pem = priv.export({ format: 'pem', type: 'pkcs8' }).toString();
      const read = await openssl(['pkey', '-pubout'], pem);
      t.equal(read?.failed, false, `${what}: by its command line`);
      t.ok(createPublicKey(read?.said ?? '').equals(pub), `${what}: the same public key`);
    }
  },
);

t.test(
  'keys made by the command line of OpenSSL are registered and exported',
  { skip: major === '0' && 'openssl is not here' },
  async (t) => {
    const kinds = [
      ['RSA', 2_048, ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048']],
      ['EC', 256, ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp256k1']],
      ['EC', 512, ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:brainpoolP512t1']],
      ['Ed448', 456, ['-algorithm', 'ED448']],
      ['ECDH', 448, ['-algorithm', 'X448']],
      ...(knowsMlKem
        ? ([
            ['ML_KEM_768', 9_472, ['-algorithm', 'ML-KEM-768']],
            ['ML_DSA_65', 15_616, ['-algorithm', 'ML-DSA-65']],
            ['SLH_DSA_SHA2_128f', 256, ['-algorithm', 'SLH-DSA-SHA2-128f']],
          ] as const)
        : []),
    ] as const;
    for (const [algorithm, bits, parameters] of kinds) {
      const made = await openssl(['genpkey', ...parameters], '');
      const key: KeyObject = createPrivateKey(made?.said ?? '');
      for (const type of ['PrivateKey', 'PublicKey'] as const) {
        const isPrivate = type === 'PrivateKey';
        const pem = isPrivate ? made?.said : (await openssl(['pkey', '-pubout'], made?.said ?? ''))?.said;
        const KeyMaterial = Buffer.from((pem ?? '').replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
        const KeyBlock = {
          KeyFormatType: isPrivate ? 'PKCS_8' : 'X_509',
          KeyValue: { KeyMaterial, Attributes: [] },
        } as const;
        const request = { ObjectType: type, Attributes: having(), Object: { type, value: { KeyBlock } } };
        const { UniqueIdentifier: id } = await succeed(service, '2.1', Register, request);
        t.equal(
          await attributeOf(service, id, 'CryptographicAlgorithm'),
          algorithm,
          key.asymmetricKeyType ?? '',
        );
        t.equal(await attributeOf(service, id, 'CryptographicLength'), bits);
      }
    }
  },
);

t.test('lengths that are not offered are refused', async (t) => {
  for (const [what, attributes, reason = 'UnsupportedCryptographicParameters'] of [
    ['RSA of 512 bits', [of('RSA'), length(512)]],
    ['RSA of 1025 bits', [of('RSA'), length(1_025)]],
    ['RSA of 16384 bits', [of('RSA'), length(16_384)]],
    ['DH of 1024 bits', [of('DH'), length(1_024)]],
    ['DSA of 1536 bits', [of('DSA'), length(1_536)]],
    ['a subgroup as long as none', [of('DSA'), length(2_048), subgroup(160)]],
    ['a short curve', [of('EC'), on('SECP112R1')]],
    ['a length no curve has', [of('EC'), length(200)], 'InvalidField'],
    ['signatures on Curve25519', [of('ECDSA'), on('CURVE25519')]],
    ['XMSS', [of('XMSS')], 'InvalidField'],
    ['SPHINCS-256', [of('SPHINCS_256')], 'InvalidField'],
    ['a symmetric algorithm', [of('AES'), length(256)], 'InvalidField'],
  ] as const) {
    const request = { CommonAttributes: having(...(attributes as readonly Attribute[])) };
    t.equal(await outcome(service, '2.1', CreateKeyPair, request), reason, what);
  }
});
