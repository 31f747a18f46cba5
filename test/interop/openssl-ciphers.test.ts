import t from 'tap';
import type { BlockCipherMode, CryptographicAlgorithm } from '../../codec/enums.ts';
import type { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import { DeriveKey } from '../../src/operations/creation/derive-key.ts';
import { Decrypt } from '../../src/operations/cryptography/decrypt.ts';
import { Encrypt } from '../../src/operations/cryptography/encrypt.ts';
import { Hash } from '../../src/operations/cryptography/hash.ts';
import { MAC } from '../../src/operations/cryptography/mac.ts';
import { Get } from '../../src/operations/transfer/get.ts';
import { fieldOf, hex, testedVersions, VectorClient } from '../protocol/known-answers/vector-client.ts';
import { having, materialOf, succeed } from '../protocol/operations/ask.ts';
import { counted, symmetric } from '../protocol/operations/transfer/wrapping-keys.ts';
import { hashes, missing, OpenSsl, pairOf, rsaArgs } from './openssl.ts';

/** Encryption, hashing and derivation give the same results as OpenSSL's command line. */

const player = await VectorClient.open(t);
const openssl = new OpenSsl(t);
const skip = missing;
const data = new TextEncoder().encode('data of thirty-two bytes and so…');

t.test('OpenSSL decrypts RSA ciphertexts of the server, and the other way round', { skip }, async (t) => {
  const key = await pairOf(openssl, rsaArgs);
  const secret = await player.registerKey(key.secret, 'Decrypt');
  const open = await player.registerKey(key.open, 'Encrypt');
  const label = Uint8Array.of(1, 2, 3, 255);
  const rows: [string, CryptographicParameters][] = [];
  for (const [hash, word] of hashes.slice(0, 5)) {
    for (const [mask, maskWord] of hashes.slice(0, 5)) {
      const parameters: CryptographicParameters = {
        PaddingMethod: 'OAEP',
        HashingAlgorithm: hash,
        ...(mask === hash ? {} : { MaskGenerator: 'MGF1', MaskGeneratorHashingAlgorithm: mask }),
      };
      const args = `-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:${word} -pkeyopt rsa_mgf1_md:${maskWord}`;
      rows.push([args, parameters]);
      rows.push([`${args} -pkeyopt rsa_oaep_label:${hex(label)}`, { ...parameters, PSource: label }]);
    }
  }
  for (const [args, CryptographicParameters] of rows) {
    const plain = openssl.file(data);
    const theirs = await openssl.ask(`pkeyutl -encrypt -pubin -inkey ${key.publicFile} ${args} -in`, plain);
    for (const version of testedVersions) {
      const asked = { UniqueIdentifier: secret, CryptographicParameters, Data: theirs };
      t.equal(
        fieldOf(await player.request(version, Decrypt, asked), 'Data'),
        hex(data),
        `${version} ${args}: theirs`,
      );
      const { Data } = await succeed(player.service, version, Encrypt, {
        UniqueIdentifier: open,
        CryptographicParameters,
        Data: data,
      });
      const ours = openssl.file(Data as Uint8Array);
      const back = await openssl.ask(`pkeyutl -decrypt -inkey ${key.secretFile} ${args} -in`, ours);
      t.equal(hex(back), hex(data), `${version} ${args}: ours`);
    }
  }
  const request = {
    UniqueIdentifier: open,
    CryptographicParameters: { PaddingMethod: 'PKCS1V1_5' },
    Data: data,
  };
  const { Data } = await succeed(player.service, '2.1', Encrypt, request as never);
  const ours = openssl.file(Data as Uint8Array);
  t.equal(
    hex(await openssl.ask(`pkeyutl -decrypt -inkey ${key.secretFile} -in`, ours)),
    hex(data),
    'PKCS #1 v1.5',
  );
});

t.test(
  'OpenSSL decrypts symmetric ciphertexts of the server, and the other way round',
  { skip },
  async (t) => {
    const families: [CryptographicAlgorithm & string, string, number, number][] = [
      ...[16, 24, 32].flatMap((bytes) =>
        (['AES', 'Camellia', 'ARIA'] as const).map(
          (name) =>
            [name, `${name.toLowerCase()}-${bytes * 8}-`, bytes, 16] as [typeof name, string, number, number],
        ),
      ),
      ['SM4', 'sm4-', 16, 16],
      ['DES3', 'des-ede3-', 24, 8],
    ];
    const rows: [CryptographicAlgorithm & string, number, string, CryptographicParameters, number][] = [];
    for (const [algorithm, word, bytes, block] of families) {
      for (const mode of ['CBC', 'ECB', 'CFB', 'OFB', 'CTR'] as (BlockCipherMode & string)[]) {
        if (mode === 'CTR' && algorithm === 'DES3') continue;
        const padded = mode === 'CBC' || mode === 'ECB' ? { PaddingMethod: 'PKCS5' as const } : {};
        const parameters: CryptographicParameters = { BlockCipherMode: mode, ...padded };
        // OpenSSL's name for ECB of 3DES has no mode.
        const name = algorithm === 'DES3' && mode === 'ECB' ? 'des-ede3' : `${word}${mode.toLowerCase()}`;
        rows.push([algorithm, bytes, name, parameters, mode === 'ECB' ? 0 : block]);
      }
    }
    rows.push(['ChaCha20', 32, 'chacha20', { InitialCounterValue: 7 }, 12]);
    for (const [algorithm, bytes, name, CryptographicParameters, ivBytes] of rows) {
      const key = counted(bytes).map((byte) => byte * 7 + 1);
      const UniqueIdentifier = await player.registerKey(symmetric(key, algorithm), 'Encrypt', 'Decrypt');
      const iv = counted(ivBytes);
      const vector = algorithm === 'ChaCha20' ? `07000000${hex(iv)}` : hex(iv);
      const args = `enc -${name} -K ${hex(key)}${ivBytes === 0 ? '' : ` -iv ${vector}`}`;
      const common = {
        UniqueIdentifier,
        CryptographicParameters,
        ...(ivBytes === 0 ? {} : { IVCounterNonce: iv }),
      };
      for (const plain of [new Uint8Array(), data.slice(0, 1), data.slice(0, 31), data]) {
        const theirs = await openssl.ask(`${args} -in`, openssl.file(plain));
        for (const version of testedVersions) {
          const what = `${version} ${name} ${plain.length}`;
          const ours = await player.request(version, Encrypt, { ...common, Data: plain });
          t.equal(fieldOf(ours, 'Data'), hex(theirs), `${what}: the same`);
          const opened = await player.request(version, Decrypt, { ...common, Data: theirs });
          t.equal(fieldOf(opened, 'Data'), hex(plain), `${what}: theirs decrypted`);
        }
      }
    }
  },
);

t.test('MACs and digests equal those of OpenSSL', { skip }, async (t) => {
  const file = openssl.file(data);
  const key = counted(32);
  const macs: [CryptographicAlgorithm & string, string][] = [
    ...[
      ['1', 'SHA1'],
      ['224', 'SHA2-224'],
      ['256', 'SHA2-256'],
      ['384', 'SHA2-384'],
      ['512', 'SHA2-512'],
    ].map(
      ([bits, name]) =>
        [`HMAC_SHA${bits}`, `-digest ${name} HMAC`] as [CryptographicAlgorithm & string, string],
    ),
    ...(['224', '256', '384', '512'] as const).map(
      (bits) =>
        [`HMAC_SHA3_${bits}`, `-digest SHA3-${bits} HMAC`] as [CryptographicAlgorithm & string, string],
    ),
    ['HMAC_MD5', '-digest MD5 HMAC'],
    ['AES', '-cipher AES-256-CBC CMAC'],
  ];
  for (const [algorithm, args] of macs) {
    const UniqueIdentifier = await player.registerKey(symmetric(key, algorithm), 'MACGenerate');
    const said = await openssl.ask(`mac -macopt hexkey:${hex(key)} -in ${file} ${args}`);
    for (const version of testedVersions) {
      const made = await player.request(version, MAC, { UniqueIdentifier, Data: data });
      t.equal(
        fieldOf(made, 'MACData'),
        Buffer.from(said).toString().trim().toLowerCase(),
        `${version} ${algorithm}`,
      );
    }
  }
  const all = [
    ...hashes,
    ['SHA_512_224', 'sha512-224'],
    ['SHA3_224', 'sha3-224'],
    ['SHA3_384', 'sha3-384'],
  ] as const;
  for (const [HashingAlgorithm, word] of [...all, ['SHA3_512', 'sha3-512'], ['MD5', 'md5']] as const) {
    const theirs = await openssl.ask(`dgst -${word} -binary`, file);
    const made = await player.request('2.1', Hash, {
      CryptographicParameters: { HashingAlgorithm },
      Data: data,
    });
    t.equal(fieldOf(made, 'Data'), hex(theirs), word);
  }
});

t.test('derived keys equal those of OpenSSL', { skip }, async (t) => {
  const password = counted(20);
  const salt = counted(16);
  const base = await player.registerKey(symmetric(password, 'HMAC_SHA256'), 'DeriveKey');
  const derived = async (request: object, length: number) => {
    const { UniqueIdentifier } = await succeed(player.service, '2.1', DeriveKey, {
      ObjectType: 'SecretData',
      Attributes: having({ name: 'CryptographicLength', value: length * 8 }),
      ...request,
    } as never);
    return hex(materialOf((await succeed(player.service, '2.1', Get, { UniqueIdentifier })).Object));
  };
  for (const [HashingAlgorithm, digest] of hashes.slice(0, 5)) {
    const CryptographicParameters = { HashingAlgorithm };
    const pbkdf2 = `-kdfopt digest:${digest} -kdfopt hexpass:${hex(password)} -kdfopt hexsalt:${hex(salt)}`;
    t.equal(
      await derived(
        {
          UniqueIdentifier: [base],
          DerivationMethod: 'PBKDF2',
          DerivationParameters: {
            CryptographicParameters,
            Salt: salt,
            IterationCount: 1000,
            DerivationData: [],
          },
        },
        40,
      ),
      hex(await openssl.ask(`kdf -keylen 40 -binary ${pbkdf2} -kdfopt iter:1000 PBKDF2`)),
      `PBKDF2 ${digest}`,
    );
    const hkdf = `-kdfopt digest:${digest} -kdfopt hexkey:${hex(password)} -kdfopt hexsalt:${hex(salt)}`;
    t.equal(
      await derived(
        {
          UniqueIdentifier: [base],
          DerivationMethod: 'HKDF',
          DerivationParameters: { CryptographicParameters, Salt: salt, DerivationData: [data] },
        },
        40,
      ),
      hex(await openssl.ask(`kdf -keylen 40 -binary ${hkdf} -kdfopt hexinfo:${hex(data)} HKDF`)),
      `HKDF ${digest}`,
    );
  }
  const group = openssl.file(await openssl.ask('genpkey -genparam -algorithm DH -pkeyopt group:modp_2048'));
  const agreeing: [string, ...string[]][] = [
    ['genpkey -algorithm X25519'],
    ['genpkey -algorithm X448'],
    ['genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256'],
    ['genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521'],
    ['genpkey -algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP384r1'],
    ['genpkey -paramfile', group],
  ];
  for (const args of agreeing) {
    const [own, other] = [await pairOf(openssl, ...args), await pairOf(openssl, ...args)];
    const theirs = await openssl.ask(`pkeyutl -derive -inkey ${other.secretFile} -peerkey ${own.publicFile}`);
    const UniqueIdentifier = [
      await player.registerKey(own.secret, 'DeriveKey'),
      await player.registerKey(other.open, 'KeyAgreement'),
    ];
    const request = {
      UniqueIdentifier,
      DerivationMethod: 'AsymmetricKey',
      DerivationParameters: { DerivationData: [] },
    };
    t.equal(await derived(request, theirs.length), hex(theirs), args.join(' '));
  }
});
