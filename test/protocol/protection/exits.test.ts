import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import type { KeyWrappingData } from '../../../codec/structures/key-block.ts';
import { SetAttribute } from '../../../src/operations/attributes/set-attribute.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { CreateKeyPair } from '../../../src/operations/creation/create-key-pair.ts';
import { Export } from '../../../src/operations/transfer/export.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { ask, having, outcome, succeed } from '../operations/ask.ts';
import {
  active,
  blockOf,
  counted,
  encryptWith,
  mask,
  register,
  secret,
  symmetric,
  wrappedAs,
} from '../operations/transfer/wrapping-keys.ts';
import { TestService } from '../service.ts';
import { closedKey, markRecipient, sensitive, wrapOnly } from './history.ts';

/** Every way a value leaves, with every protection, under every kind of wrapping key and mode. */

const strict = await TestService.open();
const kmip = await TestService.open({ protection: 'kmip' });
t.teardown(() => Promise.all([strict.close(), kmip.close()]));

const algorithm = (name: string): Attribute => ({ name: 'CryptographicAlgorithm', value: name as never });
const bits = (value: number): Attribute => ({ name: 'CryptographicLength', value });
const create = async (service: TestService, ...attributes: readonly Attribute[]) =>
  (await succeed(service, '2.1', Create, { ObjectType: 'SymmetricKey', Attributes: having(...attributes) }))
    .UniqueIdentifier;
const aesKey = (service: TestService, length: number, ...rest: readonly Attribute[]) =>
  create(service, algorithm('AES'), bits(length), ...rest);
const aKek = (service: TestService, length: number, ...rest: readonly Attribute[]) =>
  aesKey(service, length, active, wrapOnly, ...rest);
const locked: Attribute = { name: 'Extractable', value: false };
const wrapPair = async (service: TestService, length: number, ...privateAttributes: readonly Attribute[]) =>
  succeed(service, '2.1', CreateKeyPair, {
    CommonAttributes: having(algorithm('RSA'), bits(length), active),
    PrivateKeyAttributes: having(mask('UnwrapKey'), ...privateAttributes),
    PublicKeyAttributes: having(mask('WrapKey')),
  });
t.test('Get and Export by protection of the value, form asked and mode of the server', async (t) => {
  const objects: readonly (readonly [string, readonly Attribute[], string])[] = [
    ['plain', [], 'Success Success Success'],
    ['sensitive', [sensitive], 'Sensitive Sensitive Success'],
    ['not extractable', [locked], 'NotExtractable NotExtractable NotExtractable'],
    ['both', [sensitive, locked], 'NotExtractable NotExtractable NotExtractable'],
  ];
  for (const [service, protection] of [
    [strict, 'strict'],
    [kmip, 'kmip'],
  ] as const) {
    const open = await register(service, symmetric(counted(32)), active, wrapOnly, sensitive);
    const closed = await closedKey(service);
    for (const [name, attributes, expected] of objects) {
      const id = await aesKey(service, 256, ...attributes);
      for (const operation of [Get, Export]) {
        const forms = [{}, encryptWith(open), encryptWith(closed)];
        const found: string[] = [];
        for (const form of forms)
          found.push(await outcome(service, '2.1', operation, { UniqueIdentifier: id, ...form } as never));
        const wanted = protection === 'kmip' && name === 'sensitive' ? 'Sensitive Success Success' : expected;
        t.equal(found.join(' '), wanted, `${protection} ${operation.name} ${name}`);
      }
    }
  }
});

t.test('a sensitive key leaves under a wrapping key of that history', async (t) => {
  const shown = async () => {
    const id = await aKek(strict, 256, sensitive);
    await succeed(strict, '2.1', Get, { UniqueIdentifier: id, ...encryptWith(await closedKey(strict)) });
    return id;
  };
  const late = async () => {
    const id = await aKek(strict, 256);
    await succeed(strict, '2.1', SetAttribute, { UniqueIdentifier: id, NewAttribute: sensitive });
    return id;
  };
  const pair = await wrapPair(strict, 3072, sensitive);
  const openPair = await wrapPair(strict, 3072);
  const rows: readonly (readonly [string, string, boolean])[] = [
    ['made here, always sensitive', await aKek(strict, 256, sensitive), true],
    ['shown under a closed key only', await shown(), true],
    ['a closed public key', pair.PublicKeyUniqueIdentifier, true],
    ['named by its closed private key', pair.PrivateKeyUniqueIdentifier, true],
    ['made here, not sensitive', await aKek(strict, 256), false],
    ['made here, sensitive later', await late(), false],
    ['registered', await register(strict, symmetric(counted(32)), active, wrapOnly, sensitive), false],
    ['a public key of an open private key', openPair.PublicKeyUniqueIdentifier, false],
    ...(await Promise.all(
      (['Encrypt', 'Decrypt', 'MACGenerate', 'MACVerify', 'DeriveKey', 'Unrestricted'] as const).map(
        async (name) =>
          [
            `with ${name}`,
            await aesKey(strict, 256, active, mask('WrapKey', 'UnwrapKey', name), sensitive),
            false,
          ] as const,
      ),
    )),
  ];
  const target = await aesKey(strict, 128, sensitive);
  for (const [history, kek, may] of rows) {
    for (const operation of [Get, Export]) {
      const answer = await ask(strict, '2.1', operation, {
        UniqueIdentifier: target,
        ...encryptWith(kek),
      } as never);
      t.equal(answer.reason ?? answer.status, may ? 'Success' : 'Sensitive', `${history}: ${answer.message}`);
      if (!may) t.match(answer.message, /crypto\.protection/);
    }
    const plain = await aesKey(strict, 128);
    t.equal(
      await outcome(strict, '2.1', Get, { UniqueIdentifier: plain, ...encryptWith(kek) }),
      'Success',
      `${history}: a key that is not sensitive is as free as before`,
    );
  }
});

t.test('the link of a private key to another public key does not open a way out', async (t) => {
  const pair = await wrapPair(strict, 3072, sensitive);
  const other = await wrapPair(strict, 3072);
  await succeed(strict, '2.1', SetAttribute, {
    UniqueIdentifier: pair.PrivateKeyUniqueIdentifier,
    NewAttribute: {
      name: 'Link',
      value: { LinkType: 'PublicKeyLink', LinkedObjectIdentifier: other.PublicKeyUniqueIdentifier },
    },
  });
  const UniqueIdentifier = await aesKey(strict, 128, sensitive);
  const block = await blockOf(strict, UniqueIdentifier, encryptWith(pair.PrivateKeyUniqueIdentifier));
  // The key encrypts by its own public half, whatever its link says.
  for (const [half, expected] of [
    [pair, 'Success'],
    [other, 'CryptographicFailure'],
  ] as const) {
    const data = {
      ...(block.KeyWrappingData as KeyWrappingData),
      EncryptionKeyInformation: { UniqueIdentifier: half.PrivateKeyUniqueIdentifier },
    };
    const imported = {
      UniqueIdentifier: `unwrapped by ${half.PrivateKeyUniqueIdentifier}`,
      Object: wrappedAs(symmetric(counted(16)), block.KeyValue as never, data as never),
      Attributes: [],
      KeyWrapType: 'NotWrapped',
    };
    t.equal(await outcome(strict, '2.1', Import, imported as never), expected);
  }
});

t.test('a sensitive key leaves by modes with integrity only', async (t) => {
  const kek = await aKek(strict, 256, sensitive);
  const chacha = await create(strict, algorithm('ChaCha20Poly1305'), bits(256), active, wrapOnly, sensitive);
  const chachaAlone = await create(strict, algorithm('ChaCha20'), bits(256), active, wrapOnly, sensitive);
  const rsa = (await wrapPair(strict, 3072, sensitive)).PublicKeyUniqueIdentifier;
  const closedMac = await create(strict, algorithm('HMAC_SHA256'), bits(256), active, wrapOnly, sensitive);
  const openMac = await create(
    strict,
    algorithm('HMAC_SHA256'),
    bits(256),
    active,
    mask('MACGenerate', 'MACVerify'),
    sensitive,
  );
  type Row = readonly [string, string, CryptographicParameters, boolean, boolean, object?];
  const by = (WrappingMethod: string, UniqueIdentifier: string) => ({
    WrappingMethod,
    MACSignatureKeyInformation: { UniqueIdentifier },
  });
  /** Name, key, parameters, whether a sensitive key leaves so, whether a plain key does. */
  const rows: readonly Row[] = [
    ['RFC 3394', kek, { BlockCipherMode: 'NISTKeyWrap' }, true, true],
    ['RFC 5649', kek, { BlockCipherMode: 'AESKeyWrapPadding' }, true, true],
    ['GCM', kek, { BlockCipherMode: 'GCM' }, true, true],
    ['GCM with a short tag', kek, { BlockCipherMode: 'GCM', TagLength: 4 }, false, false],
    ['GCM with a short tag in bits', kek, { BlockCipherMode: 'GCM', TagLength: 32 }, false, false],
    ['CCM', kek, { BlockCipherMode: 'CCM', TagLength: 16 }, true, true],
    ['ChaCha20-Poly1305', chacha, {}, true, true],
    ['ChaCha20', chachaAlone, {}, false, false],
    ['CBC', kek, { BlockCipherMode: 'CBC', PaddingMethod: 'PKCS5' }, false, false],
    ['ECB', kek, { BlockCipherMode: 'ECB', PaddingMethod: 'PKCS5' }, false, false],
    ['CTR', kek, { BlockCipherMode: 'CTR' }, false, false],
    ['CFB', kek, { BlockCipherMode: 'CFB' }, false, false],
    ['OFB', kek, { BlockCipherMode: 'OFB' }, false, false],
    ['RSA-OAEP', rsa, { PaddingMethod: 'OAEP', HashingAlgorithm: 'SHA_256' }, true, true],
    ['RSA with PKCS #1 v1.5', rsa, { PaddingMethod: 'PKCS1V1_5' }, false, true],
    [
      'Encrypt-then-MAC by a closed key',
      kek,
      { BlockCipherMode: 'CBC', PaddingMethod: 'PKCS5' },
      false,
      false,
      by('EncryptThenMACSign', closedMac),
    ],
    [
      'Encrypt-then-MAC by a key that computes MACs',
      kek,
      { BlockCipherMode: 'CBC', PaddingMethod: 'PKCS5' },
      false,
      false,
      by('EncryptThenMACSign', openMac),
    ],
    [
      'RFC 3394 and any MAC',
      kek,
      { BlockCipherMode: 'NISTKeyWrap' },
      true,
      true,
      by('EncryptThenMACSign', openMac),
    ],
    [
      'MAC-then-encrypt',
      kek,
      { BlockCipherMode: 'NISTKeyWrap' },
      false,
      true,
      by('MACSignThenEncrypt', openMac),
    ],
    [
      'MAC-then-encrypt by a closed key',
      kek,
      { BlockCipherMode: 'NISTKeyWrap' },
      false,
      true,
      by('MACSignThenEncrypt', closedMac),
    ],
  ];
  const guarded = await aesKey(strict, 128, sensitive);
  const plain = await aesKey(strict, 128);
  for (const [name, key, params, mayGuarded, mayPlain, rest] of rows) {
    for (const [id, may] of [
      [guarded, mayGuarded],
      [plain, mayPlain],
    ] as const) {
      const asked = { UniqueIdentifier: id, ...encryptWith(key, rest, params) };
      const answer = await ask(strict, '2.1', Get, asked as never);
      const label = `${name}, ${id === plain ? 'plain' : 'sensitive'}: ${answer.reason}: ${answer.message}`;
      t.equal(answer.status === 'Success', may, label);
      if (id === guarded && !may) t.match(answer.reason, /^(Sensitive|BadCryptographicParameters)$/, label);
    }
  }
});

t.test('a sensitive key leaves under no weaker key', async (t) => {
  const keks = [
    ['AES-128', await aKek(strict, 128, sensitive), 128],
    ['AES-192', await aKek(strict, 192, sensitive), 192],
    ['AES-256', await aKek(strict, 256, sensitive), 256],
    ['RSA-2048', (await wrapPair(strict, 2048, sensitive)).PublicKeyUniqueIdentifier, 112],
    ['RSA-3072', (await wrapPair(strict, 3072, sensitive)).PublicKeyUniqueIdentifier, 128],
  ] as const;
  const targets = [
    ['AES-128', await aesKey(strict, 128, sensitive), 128],
    ['AES-192', await aesKey(strict, 192, sensitive), 192],
    ['AES-256', await aesKey(strict, 256, sensitive), 256],
    ['3DES', await create(strict, algorithm('DES3'), bits(168), sensitive), 112],
    ['HMAC of 512 bits', await create(strict, algorithm('HMAC_SHA512'), bits(512), sensitive), 256],
    ['secret data of unknown strength', await register(strict, secret(counted(24)), sensitive), 256],
  ] as const;
  for (const [kek, by, strength] of keks)
    for (const [target, UniqueIdentifier, needed] of targets)
      t.equal(
        await outcome(strict, '2.1', Get, { UniqueIdentifier, ...encryptWith(by) }),
        strength >= needed ? 'Success' : 'Sensitive',
        `${target} under ${kek}`,
      );
});

t.test('an operator marks a key as recipient, and no other key under its identifier is one', async (t) => {
  const recipient = (await wrapPair(strict, 2048)).PublicKeyUniqueIdentifier;
  const symmetricRecipient = await register(strict, symmetric(counted(16)), active, wrapOnly);
  const target = await aesKey(strict, 256, sensitive);
  const get = (kek: string, params?: CryptographicParameters) =>
    outcome(strict, '2.1', Get, { UniqueIdentifier: target, ...encryptWith(kek, {}, params) });
  t.equal(await get(recipient), 'Sensitive');
  await markRecipient(strict, recipient);
  t.equal(await get(recipient), 'Success', 'RSA-2048 is enough when an operator says so');
  t.equal(await get(recipient, { PaddingMethod: 'PKCS1V1_5' }), 'Sensitive');
  await markRecipient(strict, symmetricRecipient);
  t.equal(await get(symmetricRecipient), 'Sensitive', 'AES-128 is weaker than AES-256');
  const other = (await wrapPair(strict, 2048)).PublicKeyUniqueIdentifier;
  await markRecipient(strict, other, recipient);
  t.equal(await get(other), 'Sensitive', 'the fingerprint is that of another key');
});

t.test('what a client has wrapped is given back as strictly', async (t) => {
  const closed = await closedKey(strict);
  const open = await register(strict, symmetric(counted(32)), active, wrapOnly);
  const registered = (UniqueIdentifier: string, parameters?: CryptographicParameters, ...rest: Attribute[]) =>
    register(
      strict,
      wrappedAs(symmetric(counted(16)), counted(24), {
        WrappingMethod: 'Encrypt',
        EncryptionKeyInformation: { UniqueIdentifier, CryptographicParameters: parameters },
      }),
      ...rest,
    );
  const rows = [
    ['a closed key', await registered(closed, undefined, sensitive), 'Success'],
    [
      'a closed key, without integrity',
      await registered(closed, { BlockCipherMode: 'CBC' }, sensitive),
      'Sensitive',
    ],
    ['an open key', await registered(open, undefined, sensitive), 'Sensitive'],
    ['a key that is not here', await registered('elsewhere', undefined, sensitive), 'Sensitive'],
    ['a key that is not here, not sensitive', await registered('elsewhere'), 'Success'],
  ] as const;
  for (const [by, UniqueIdentifier, expected] of rows)
    t.equal(await outcome(strict, '2.1', Get, { UniqueIdentifier }), expected, by);
});
