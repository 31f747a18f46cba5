import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import { BlockCipherMode } from '../../../codec/enums.ts';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import type { KeyWrappingData } from '../../../codec/structures/key-block.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { CreateSplitKey } from '../../../src/operations/creation/create-split-key.ts';
import { JoinSplitKey } from '../../../src/operations/creation/join-split-key.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { aes, ask, having, succeed } from '../operations/ask.ts';
import {
  active,
  blockOf,
  counted,
  encryptWith,
  mask,
  pair,
  register,
  secret,
  symmetric,
  wrappedAs,
} from '../operations/transfer/wrapping-keys.ts';
import { TestService } from '../service.ts';
import { closedKey, markRecipient, sensitive, wrapOnly } from './history.ts';

/** Keys that may have wrapped secrets wrap and unwrap by modes with integrity of their own only. */

const strict = await TestService.open();
const kmip = await TestService.open({ protection: 'kmip' });
t.teardown(() => Promise.all([strict.close(), kmip.close()]));

const integral: readonly unknown[] = ['NISTKeyWrap', 'AESKeyWrapPadding', 'GCM', 'CCM'];
const locked = { name: 'Extractable', value: false } as const;

let imports = 0;
const importing = (object: ReturnType<typeof wrappedAs>, ...attributes: readonly unknown[]) =>
  ({
    UniqueIdentifier: `i${++imports}`,
    ObjectType: object.type,
    Object: object,
    Attributes: attributes,
    KeyWrapType: 'NotWrapped',
  }) as never;

async function unwrappedTwin(service: TestService): Promise<string> {
  const outer = await closedKey(service);
  const block = await blockOf(service, await closedKey(service), encryptWith(outer));
  const object = wrappedAs(symmetric(counted(32)), block.KeyValue as never, block.KeyWrappingData as never);
  return (await succeed(service, '2.1', Import, importing(object, wrapOnly, active))).UniqueIdentifier;
}

async function joinedTwin(service: TestService): Promise<string> {
  const { UniqueIdentifier: parts } = await succeed(service, '2.1', CreateSplitKey, {
    UniqueIdentifier: await made(service, mask('WrapKey', 'UnwrapKey', 'Export'), sensitive),
    ObjectType: 'SplitKey',
    SplitKeyParts: 2,
    SplitKeyThreshold: 2,
    SplitKeyMethod: 'XOR',
    Attributes: having(),
  });
  const joined = await succeed(service, '2.1', JoinSplitKey, {
    ObjectType: 'SymmetricKey',
    UniqueIdentifier: parts,
    Attributes: having(...aes.slice(0, 2), wrapOnly, active),
  });
  return joined.UniqueIdentifier;
}

const made = async (service: TestService, ...attributes: readonly Attribute[]) =>
  (
    await succeed(service, '2.1', Create, {
      ObjectType: 'SymmetricKey',
      Attributes: having(...aes.slice(0, 2), active, ...attributes),
    })
  ).UniqueIdentifier;

async function recipient(service: TestService): Promise<string> {
  const id = await register(service, symmetric(counted(32)), active, wrapOnly);
  await markRecipient(service, id);
  return id;
}

/** Wrapping keys by what is known of them, and whether they may have wrapped secrets. */
const keys: readonly (readonly [string, (service: TestService) => Promise<string>, boolean])[] = [
  ['closed', closedKey, true],
  ['closed, come back under another', unwrappedTwin, true],
  ['closed, joined from its parts', joinedTwin, true],
  ['a recipient', recipient, true],
  ['not extractable, wraps only', (service) => made(service, wrapOnly, locked), true],
  [
    'registered, sensitive, wraps only',
    (service) => register(service, symmetric(counted(32)), active, wrapOnly, sensitive),
    true,
  ],
  ['neither sensitive nor closed', (service) => made(service, wrapOnly), false],
  [
    'sensitive, encrypts too',
    (service) => made(service, mask('WrapKey', 'UnwrapKey', 'Encrypt'), sensitive),
    false,
  ],
];

t.test('every mode, alone and with a MAC, under keys of every history', async (t) => {
  for (const [service, protection] of [
    [strict, 'strict'],
    [kmip, 'kmip'],
  ] as const) {
    const mac = await register(
      service,
      symmetric(counted(32), 'HMAC_SHA256'),
      active,
      mask('MACGenerate', 'MACVerify'),
    );
    const plain = await register(service, secret(counted(32)));
    for (const [history, make, mayHaveWrapped] of keys) {
      const kek = await make(service);
      for (const mode of BlockCipherMode.members) {
        for (const method of ['Encrypt', 'EncryptThenMACSign'] as const) {
          const withMac = method === 'EncryptThenMACSign' && {
            MACSignatureKeyInformation: { UniqueIdentifier: mac },
          };
          const params: CryptographicParameters = {
            BlockCipherMode: mode,
            PaddingMethod: mode === 'CBC' ? 'PKCS5' : undefined,
          };
          const wrapping = encryptWith(kek, { WrappingMethod: method, ...withMac }, params);
          const wrapped = await ask(service, '2.1', Get, { UniqueIdentifier: plain, ...wrapping } as never);
          const object = wrappedAs(secret(counted(32)), counted(64), {
            WrappingMethod: method,
            EncryptionKeyInformation: { UniqueIdentifier: kek, CryptographicParameters: params },
            IVCounterNonce: counted(16),
            ...withMac,
            ...(withMac && { MACSignature: counted(32) }),
          });
          const opened = await ask(service, '2.1', Import, importing(object));
          const isRefused = protection === 'strict' && mayHaveWrapped && !integral.includes(mode);
          for (const [verb, { message }] of [
            ['wraps', wrapped],
            ['unwraps', opened],
          ] as const)
            t.equal(
              /modes with integrity/.test(message ?? ''),
              isRefused,
              `${protection}, ${history}: ${verb} by ${mode} and ${method}: ${message}`,
            );
        }
      }
    }
  }
});

t.test('what a key has wrapped opens by no other mode, vector or tag', async (t) => {
  const kek = await closedKey(strict);
  const id = await register(strict, secret(counted(32)), sensitive);
  const swapped = (
    data: KeyWrappingData,
    parameters: CryptographicParameters,
    IVCounterNonce?: Uint8Array,
  ) => ({
    ...data,
    EncryptionKeyInformation: { UniqueIdentifier: kek, CryptographicParameters: parameters },
    IVCounterNonce: IVCounterNonce ?? data.IVCounterNonce,
  });
  for (const made of integral) {
    const block = await blockOf(
      strict,
      id,
      encryptWith(kek, { EncodingOption: 'NoEncoding' }, { BlockCipherMode: made as never }),
    );
    const body = block.KeyValue as Uint8Array;
    const data = block.KeyWrappingData as KeyWrappingData;
    for (const mode of BlockCipherMode.members)
      for (const TagLength of [undefined, 4, 12, 32, 96])
        for (const iv of [undefined, counted(12), counted(16)])
          for (const part of [body, body.subarray(0, 16), body.subarray(0, 32)]) {
            const isOwn = mode === made && part === body && TagLength === undefined && iv === undefined;
            // The others have neither a tag nor a vector that they read.
            if (isOwn || (mode === made && !['GCM', 'CCM'].includes(mode) && part === body)) continue;
            const parameters = { BlockCipherMode: mode, ...(TagLength !== undefined && { TagLength }) };
            const object = wrappedAs(secret(counted(32)), part, swapped(data, parameters, iv));
            const { status } = await ask(strict, '2.1', Import, importing(object));
            if (status === 'Success')
              t.fail(`${made} opens by ${mode}, tag ${TagLength}, vector of ${iv?.length}`);
          }
    const own = wrappedAs(secret(counted(32)), body, data);
    t.equal((await ask(strict, '2.1', Import, importing(own))).status, 'Success', `${made} opens as it is`);
  }
});

t.test('a private key for wrapping that is sensitive unwraps by OAEP only', async (t) => {
  const both = await pair(strict, { algorithm: 'RSA', bits: 3072 } as never, ['WrapKey', 'UnwrapKey']);
  const guarded = await ask(strict, '2.1', Get, { UniqueIdentifier: both.privateKey });
  t.equal(guarded.status, 'Success', 'the pair is registered, and open');
  const privateKey = await register(strict, guarded.payload.Object, active, mask('UnwrapKey'), sensitive);
  for (const [PaddingMethod, isRefused] of [
    ['OAEP', false],
    ['PKCS1V1_5', true],
    ['None', true],
  ] as const) {
    const object = wrappedAs(secret(counted(32)), counted(384), {
      WrappingMethod: 'Encrypt',
      EncryptionKeyInformation: { UniqueIdentifier: privateKey, CryptographicParameters: { PaddingMethod } },
    });
    const { message } = await ask(strict, '2.1', Import, importing(object));
    t.equal(/modes with integrity/.test(message ?? ''), isRefused, `${PaddingMethod}: ${message}`);
  }
});
