import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import { CryptographicUsageMask } from '../../../codec/masks.ts';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import type { KeyBlock } from '../../../codec/structures/key-block.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { CreateKeyPair } from '../../../src/operations/creation/create-key-pair.ts';
import { Revoke } from '../../../src/operations/lifecycle/revoke.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { ask, attributeOf, having, succeed } from '../operations/ask.ts';
import {
  active,
  blockOf,
  encryptWith,
  mask,
  register,
  symmetric,
} from '../operations/transfer/wrapping-keys.ts';
import { TestService } from '../service.ts';
import { closedKey, markRecipient, sensitive, wrapOnly } from './history.ts';

/** Values that a client can guess whole: nothing tells it whether a guess is right. */

const service = await TestService.open();
t.teardown(() => service.close());
const kek = await closedKey(service);
const chacha = (
  await succeed(service, '2.1', Create, {
    ObjectType: 'SymmetricKey',
    Attributes: having(
      { name: 'CryptographicAlgorithm', value: 'ChaCha20Poly1305' },
      { name: 'CryptographicLength', value: 256 },
      ...[active, wrapOnly, sensitive],
    ),
  })
).UniqueIdentifier;
const rsaPair = (...privateAttributes: readonly Attribute[]) =>
  succeed(service, '2.1', CreateKeyPair, {
    CommonAttributes: having(
      { name: 'CryptographicAlgorithm', value: 'RSA' },
      { name: 'CryptographicLength', value: 3072 },
      active,
    ),
    PrivateKeyAttributes: having(mask('UnwrapKey'), ...privateAttributes),
    PublicKeyAttributes: having(mask('WrapKey')),
  });
const rsa = await rsaPair(sensitive);
const oaep = { PaddingMethod: 'OAEP', HashingAlgorithm: 'SHA_256' } as const;

type Wrapping = readonly [name: string, key: string, parameters: CryptographicParameters];
const byVector: readonly Wrapping[] = [
  ['GCM', kek, { BlockCipherMode: 'GCM' }],
  ['CCM', kek, { BlockCipherMode: 'CCM', TagLength: 16 }],
  ['ChaCha20-Poly1305', chacha, {}],
];
const byValue: readonly Wrapping[] = [
  ['RFC 3394', kek, { BlockCipherMode: 'NISTKeyWrap' }],
  ['RFC 5649', kek, { BlockCipherMode: 'AESKeyWrapPadding' }],
  ['OAEP', rsa.PublicKeyUniqueIdentifier, oaep],
];

const text = (value: string) => new TextEncoder().encode(value);
function secretOf(SecretDataType: 'Password' | 'Seed', KeyMaterial: Uint8Array): ManagedObjectValue {
  const KeyBlock: KeyBlock = { KeyFormatType: 'Raw', KeyValue: { KeyMaterial, Attributes: [] } };
  return { type: 'SecretData', value: { SecretDataType, KeyBlock } };
}
const wrap = ([, key, params]: Wrapping, UniqueIdentifier: string) =>
  ask(service, '2.1', Get, { UniqueIdentifier, ...encryptWith(key, {}, params) } as never);

let imports = 0;
const importing = (Object: ManagedObjectValue, Attributes: readonly Attribute[] = []) =>
  ask(service, '2.1', Import, {
    UniqueIdentifier: `i${imports++}`,
    KeyWrapType: 'NotWrapped',
    Attributes,
    Object,
  } as never);

t.test('a protected value that can be guessed leaves by modes in which equal ones differ', async (t) => {
  const values: readonly (readonly [string, ManagedObjectValue, boolean])[] = [
    ['a password', secretOf('Password', text('correct horse battery staple')), true],
    ['a short seed', secretOf('Seed', text('1234')), true],
    ['a seed of 13 bytes', secretOf('Seed', text('1234567890123')), true],
    ['a seed of 14 bytes', secretOf('Seed', text('12345678901234')), false],
    ['a key of 128 bits', symmetric(new Uint8Array(16).fill(7)), false],
    ['a key of 64 bits', symmetric(new Uint8Array(8).fill(7), 'HMAC_SHA256'), true],
  ];
  const recipient = await rsaPair();
  await markRecipient(service, recipient.PublicKeyUniqueIdentifier);
  const marked: Wrapping = ['OAEP of a recipient', recipient.PublicKeyUniqueIdentifier, oaep];
  for (const [name, value, isGuessable] of values) {
    for (const attributes of [[], [sensitive]]) {
      const id = await register(service, value, ...attributes);
      for (const wrapping of [...byVector, ...byValue, marked]) {
        const { status, reason, message } = await wrap(wrapping, id);
        const isRefused = isGuessable && attributes.length > 0 && byValue.includes(wrapping);
        // Secret Data counts as 256 bits; a closed RSA key has 128.
        const isWeak = attributes.length > 0 && value.type === 'SecretData' && wrapping[0] === 'OAEP';
        t.equal(
          reason ?? status,
          isRefused || isWeak ? 'Sensitive' : 'Success',
          `${name} ${wrapping[0]}: ${message}`,
        );
        if (isRefused) t.match(message, /can be guessed/);
      }
    }
  }
});

t.test('the same object leaves alike each time, and another one with the same bytes otherwise', async (t) => {
  const value = secretOf('Password', text('hunter2'));
  const [one, other] = [await register(service, value, sensitive), await register(service, value, sensitive)];
  for (const [name, key, params] of byVector) {
    const blocks = await Promise.all(
      [one, one, other].map((id) => blockOf(service, id, encryptWith(key, {}, params))),
    );
    t.same(blocks[0], blocks[1], name);
    t.notSame(blocks[0]?.KeyValue, blocks[2]?.KeyValue, name);
    t.notSame(blocks[0]?.KeyWrappingData?.IVCounterNonce, blocks[2]?.KeyWrappingData?.IVCounterNonce, name);
  }
});

/** Removes what differs between any two objects: identifiers, and bytes that are encrypted. */
function comparable(answer: Awaited<ReturnType<typeof ask>>): string {
  return `${answer.status} ${answer.reason ?? ''} ${answer.message ?? ''}`.replaceAll(/\bi\d+\b/g, 'ID');
}

/** All that a client learns that guesses at the value of `victim`, whose wrappings it has. */
async function guess(victim: string, bytes: Uint8Array): Promise<readonly string[]> {
  const learnt: string[] = [];
  const blobs = new Set<string>();
  for (const wrapping of byVector) {
    const { payload } = await wrap(wrapping, victim);
    const { KeyValue } = (payload.Object as { value: { KeyBlock: KeyBlock } }).value.KeyBlock;
    blobs.add((KeyValue as Uint8Array).toHex());
  }
  for (const type of ['Password', 'Seed'] as const)
    for (const protection of [[], [sensitive]])
      for (const wrapping of [...byVector, ...byValue]) {
        const mine = await register(service, secretOf(type, bytes), mask('Sign'), ...protection);
        const got = await wrap(wrapping, mine);
        learnt.push(`${type} ${protection.length} ${wrapping[0]}: ${comparable(got)}`);
        if (got.status !== 'Success') continue;
        const { KeyValue } = (got.payload.Object as { value: { KeyBlock: KeyBlock } }).value.KeyBlock;
        learnt.push(blobs.has((KeyValue as Uint8Array).toHex()) ? 'alike' : 'different');
        for (const attributes of [[], [mask('Sign')], [mask('DeriveKey', 'Encrypt')]]) {
          const imported = await importing(got.payload.Object as ManagedObjectValue, attributes);
          learnt.push(comparable(imported));
          if (imported.id === undefined) continue;
          for (const name of ['CryptographicUsageMask', 'State', 'Sensitive'] as const)
            learnt.push(String(await attributeOf(service, imported.id, name)));
        }
      }
  learnt.push(...(await forge(bytes)));
  // With the guesses here, what comes back of the victim's.
  for (const wrapping of byVector) {
    const { payload } = await wrap(wrapping, victim);
    const imported = await importing(payload.Object as ManagedObjectValue);
    learnt.push(comparable(imported));
    if (imported.id !== undefined)
      learnt.push(String(await attributeOf(service, imported.id, 'CryptographicUsageMask')));
  }
  return learnt;
}

/** Encrypts the guess by the public key, as every client can, and has it unwrapped. */
async function forge(bytes: Uint8Array): Promise<readonly string[]> {
  const { KeyValue } = await blockOf(service, rsa.PublicKeyUniqueIdentifier, { KeyFormatType: 'X_509' });
  const { KeyMaterial } = KeyValue as { KeyMaterial: Uint8Array };
  const key = createPublicKey({ key: Buffer.from(KeyMaterial), format: 'der', type: 'spki' });
  const encrypted = publicEncrypt(
    { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' },
    bytes,
  );
  const learnt: string[] = [];
  for (const type of ['Password', 'Seed'] as const) {
    const plain = secretOf(type, bytes) as { type: 'SecretData'; value: { KeyBlock: KeyBlock } };
    const KeyBlock = {
      ...plain.value.KeyBlock,
      KeyValue: new Uint8Array(encrypted),
      KeyWrappingData: {
        WrappingMethod: 'Encrypt',
        EncryptionKeyInformation: {
          UniqueIdentifier: rsa.PrivateKeyUniqueIdentifier,
          CryptographicParameters: oaep,
        },
        EncodingOption: 'NoEncoding',
      },
    };
    learnt.push(
      comparable(await importing({ ...plain, value: { ...plain.value, KeyBlock } } as never, [mask('Sign')])),
    );
  }
  return learnt;
}

t.test('what a client learns does not depend on whether its guess is right', async (t) => {
  for (const phrase of ['0042', 'correct horse battery staple']) {
    const secret = secretOf('Password', text(phrase));
    const victim = await register(service, secret, mask('DeriveKey', 'Export'), sensitive, active);
    const other = Uint8Array.from(text(phrase), (byte, at) => (at === 0 ? byte ^ 1 : byte));
    const wrong = await guess(victim, other);
    const right = await guess(victim, text(phrase));
    t.same(right, wrong, phrase);
    t.ok(right.length > 60 && right.some((each) => each.includes('Success')), 'it has learnt something');
    t.notOk(right.includes('alike'), 'no wrapping of a guess is that of the value');
  }
});

t.test('the wrapping that left is still that of its object', async (t) => {
  for (const wrapping of byVector) {
    const [, key, params] = wrapping;
    const value = secretOf('Password', text('swordfish'));
    const id = await register(service, value, mask('DeriveKey'), sensitive, active);
    const block = await blockOf(service, id, encryptWith(key, {}, params));
    const back = (SecretDataType: 'Password' | 'Seed'): ManagedObjectValue => ({
      type: 'SecretData',
      value: { SecretDataType, KeyBlock: block },
    });
    const wider = await importing(back('Password'), [mask('DeriveKey', 'Sign')]);
    t.equal(wider.reason, 'IncompatibleCryptographicUsageMask', wrapping[0]);
    t.equal((await importing(back('Seed'))).reason, 'InvalidField', 'and of its Secret Data Type');
    const RevocationReason = { RevocationReasonCode: 'KeyCompromise' };
    await succeed(service, '2.1', Revoke, { UniqueIdentifier: id, RevocationReason } as never);
    const copy = await importing(back('Password'));
    t.equal(copy.status, 'Success', `${copy.message}`);
    t.equal(await attributeOf(service, copy.id as string, 'State'), 'Compromised', wrapping[0]);
    t.equal(
      await attributeOf(service, copy.id as string, 'CryptographicUsageMask'),
      CryptographicUsageMask.bit('DeriveKey'),
      wrapping[0],
    );
    const again = await blockOf(service, copy.id as string, encryptWith(key, {}, params));
    t.same(again.KeyValue, block.KeyValue, 'a copy leaves as its origin does');
  }
});
