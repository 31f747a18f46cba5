import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { versions } from '../../../codec/version.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { CreateKeyPair } from '../../../src/operations/creation/create-key-pair.ts';
import { CreateSplitKey } from '../../../src/operations/creation/create-split-key.ts';
import { JoinSplitKey } from '../../../src/operations/creation/join-split-key.ts';
import { Decrypt } from '../../../src/operations/cryptography/decrypt.ts';
import { Encrypt } from '../../../src/operations/cryptography/encrypt.ts';
import { Destroy } from '../../../src/operations/lifecycle/destroy.ts';
import { Revoke } from '../../../src/operations/lifecycle/revoke.ts';
import { Export } from '../../../src/operations/transfer/export.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { ask, attributesOf, having, outcome, succeed } from '../operations/ask.ts';
import {
  active,
  blockOf,
  counted,
  encryptWith,
  mask,
  register,
  symmetric,
  wrappedAs,
} from '../operations/transfer/wrapping-keys.ts';
import { TestService } from '../service.ts';
import { closedKey, sensitive, wrapOnly } from './history.ts';

/** What comes back under a wrapping key, and what Import may state. */

const denied = new Set<string>();
const may = (operation: string) => !denied.has(operation);
const strict = await TestService.open({ may });
const kmip = await TestService.open({ protection: 'kmip', may });
t.teardown(() => Promise.all([strict.close(), kmip.close()]));
const both = [
  [strict, 'strict'],
  [kmip, 'kmip'],
] as const;

let imports = 0;
const importing = (Object: ManagedObjectValue, Attributes: readonly Attribute[] = [], rest: object = {}) =>
  ({ UniqueIdentifier: `i${++imports}`, Object, Attributes, ...rest }) as never;
const notWrapped = { KeyWrapType: 'NotWrapped' } as const;
const aesKey = async (service: TestService, ...attributes: readonly Attribute[]) =>
  (
    await succeed(service, '2.1', Create, {
      ObjectType: 'SymmetricKey',
      Attributes: having(
        { name: 'CryptographicAlgorithm', value: 'AES' },
        { name: 'CryptographicLength', value: 256 },
        ...attributes,
      ),
    })
  ).UniqueIdentifier;

/** The answer of Get under a wrapping key, as an object that can be registered or imported. */
async function wrapped(service: TestService, id: string, by: string, params?: CryptographicParameters) {
  const block = await blockOf(service, id, encryptWith(by, {}, params));
  return wrappedAs(symmetric(counted(32)), block.KeyValue as never, block.KeyWrappingData as never);
}

t.test('what is unwrapped under a sensitive key is sensitive, whatever the request states', async (t) => {
  for (const [service, protection] of both) {
    for (const isSensitive of [true, false]) {
      const kek = await aesKey(service, active, wrapOnly, { name: 'Sensitive', value: isSensitive });
      const object = await wrapped(service, await aesKey(service), kek);
      for (const stated of [[], [{ name: 'Sensitive', value: false } as const]]) {
        const label = `${protection}, under a ${isSensitive ? 'sensitive' : 'plain'} key`;
        const { UniqueIdentifier: id } = await succeed(
          service,
          '2.1',
          Import,
          importing(object, stated, notWrapped),
        );
        const attributes = await attributesOf(service, id);
        t.equal(attributes.find(({ name }) => name === 'Sensitive')?.value, isSensitive, label);
        t.equal(
          await outcome(service, '2.1', Get, { UniqueIdentifier: id }),
          isSensitive ? 'Sensitive' : 'Success',
        );
      }
      const registered = await register(service, object);
      for (const operation of [Get, Export]) {
        const asked = { UniqueIdentifier: registered, ...notWrapped };
        const expected = isSensitive && protection === 'strict' ? 'Sensitive' : 'Success';
        t.equal(await outcome(service, '2.1', operation, asked), expected, `${protection} ${operation.name}`);
        const again = { ...asked, ...encryptWith(kek) };
        t.equal(await outcome(service, '2.1', operation, again), 'Success', 'wrapped again');
      }
    }
  }
});

t.test('what a key that is not extractable unwraps does not leave', async (t) => {
  for (const [service, protection] of both) {
    const kek = await aesKey(service, active, wrapOnly, { name: 'Extractable', value: false });
    const registered = await register(service, await wrapped(service, await aesKey(service), kek));
    for (const operation of [Get, Export])
      for (const rest of [{}, encryptWith(kek)]) {
        const asked = { UniqueIdentifier: registered, ...notWrapped, ...rest };
        const expected = protection === 'strict' ? 'NotExtractable' : 'Success';
        t.equal(await outcome(service, '2.1', operation, asked), expected, `${protection} ${operation.name}`);
      }
  }
});

t.test('Encrypt and Decrypt take no key wrap under keys that may wrap', async (t) => {
  for (const [service, protection] of both) {
    for (const uses of [
      ['Encrypt', 'Decrypt'],
      ['Encrypt', 'Decrypt', 'WrapKey'],
      ['Encrypt', 'Decrypt', 'UnwrapKey'],
      ['Unrestricted'],
    ] as const) {
      const UniqueIdentifier = await aesKey(service, active, mask(...uses));
      for (const BlockCipherMode of ['NISTKeyWrap', 'AESKeyWrapPadding', 'CBC'] as const) {
        for (const operation of [Encrypt, Decrypt]) {
          for (const version of versions.slice(versions.indexOf('1.2'))) {
            const CryptographicParameters = {
              BlockCipherMode,
              PaddingMethod: BlockCipherMode === 'CBC' ? 'PKCS5' : undefined,
            };
            const request = { UniqueIdentifier, CryptographicParameters, Data: counted(32) };
            const { message } = await ask(service, version, operation, request as never);
            const isRefused = message?.includes('crypto.protection') === true;
            const isWrapping = uses.length !== 2 && BlockCipherMode !== 'CBC';
            t.equal(
              isRefused,
              protection === 'strict' && isWrapping,
              `${protection} ${operation.name} ${version} ${BlockCipherMode} ${uses}`,
            );
          }
        }
      }
    }
  }
});

t.test('a closed key that comes back has no wider use, also when it was destroyed meanwhile', async (t) => {
  const isFit = {
    ObjectType: 'SplitKey',
    SplitKeyParts: 2,
    SplitKeyThreshold: 2,
    SplitKeyMethod: 'XOR',
    Attributes: having(),
  } as const;
  for (const [service, protection] of both) {
    const outer = await closedKey(service);
    for (const isDestroyed of [false, true]) {
      const divisible = mask('WrapKey', 'UnwrapKey', 'Export');
      const inner = await aesKey(service, active, divisible, sensitive);
      const object = await wrapped(service, inner, outer);
      const { UniqueIdentifier: parts } = await succeed(service, '2.1', CreateSplitKey, {
        ...isFit,
        UniqueIdentifier: inner,
      });
      if (isDestroyed) {
        await succeed(service, '2.1', Revoke, {
          UniqueIdentifier: inner,
          RevocationReason: { RevocationReasonCode: 'Superseded' },
        });
        await succeed(service, '2.1', Destroy, { UniqueIdentifier: inner });
      }
      for (const uses of [
        ['WrapKey', 'UnwrapKey'],
        ['Decrypt'],
        ['UnwrapKey', 'MACGenerate'],
        ['Unrestricted'],
      ] as const) {
        const answer = await outcome(service, '2.1', Import, importing(object, [mask(...uses)], notWrapped));
        const isWider = uses[0] !== 'WrapKey';
        t.equal(
          answer,
          protection === 'strict' && isWider ? 'IncompatibleCryptographicUsageMask' : 'Success',
          `${protection} ${uses} ${isDestroyed}`,
        );
      }
      const joining = {
        ObjectType: 'SymmetricKey',
        UniqueIdentifier: parts,
        Attributes: having(mask('Decrypt')),
      } as const;
      const joined = await ask(service, '2.1', JoinSplitKey, joining);
      if (protection === 'strict') {
        const attributes = joined.id === undefined ? [] : await attributesOf(service, joined.id);
        const uses = attributes.find(({ name }) => name === 'CryptographicUsageMask');
        t.ok(uses === undefined || uses.value === divisible.value, `${joined.reason}: joined for other uses`);
      }
    }
  }
});

t.test('a closed private key that comes back in any format has no wider use', async (t) => {
  const outer = await closedKey(strict);
  const { PrivateKeyUniqueIdentifier: inner } = await succeed(strict, '2.1', CreateKeyPair, {
    CommonAttributes: having(
      { name: 'CryptographicAlgorithm', value: 'RSA' },
      { name: 'CryptographicLength', value: 3072 },
      active,
    ),
    PrivateKeyAttributes: having(mask('UnwrapKey'), sensitive),
    PublicKeyAttributes: having(mask('WrapKey')),
  });
  for (const KeyFormatType of ['PKCS_1', 'PKCS_8', 'TransparentRSAPrivateKey'] as const) {
    const { Object } = await succeed(strict, '2.1', Get, {
      UniqueIdentifier: inner,
      KeyFormatType,
      ...encryptWith(outer),
    });
    const request = importing(Object, [mask('Decrypt')], notWrapped);
    t.equal(
      await outcome(strict, '2.1', Import, request),
      'IncompatibleCryptographicUsageMask',
      KeyFormatType,
    );
  }
});

t.test('Import states a history only where the role may import as is', async (t) => {
  const claims: readonly (readonly [Attribute, boolean])[] = [
    [{ name: 'AlwaysSensitive', value: true }, true],
    [{ name: 'AlwaysSensitive', value: false }, false],
    [{ name: 'NeverExtractable', value: true }, true],
    [{ name: 'NeverExtractable', value: false }, false],
    [{ name: 'OriginalCreationDate', value: 1_000 }, true],
    [sensitive, false],
    [{ name: 'Extractable', value: false }, false],
  ];
  for (const [service, protection] of both) {
    for (const mayAsIs of [true, false]) {
      if (mayAsIs) denied.delete('ImportAsIs');
      else denied.add('ImportAsIs');
      const isBound = protection === 'strict' && !mayAsIs;
      for (const version of ['1.4', '2.0', '2.1'] as const) {
        for (const [attribute, isClaim] of claims) {
          const label = `${protection} ${version} ${attribute.name} ${String(attribute.value)} ${mayAsIs}`;
          const request = importing(symmetric(counted(16)), [attribute]);
          const { id, message } = await ask(service, version, Import, request);
          t.equal(id === undefined, isBound && isClaim, `${label}: ${message}`);
          if (id === undefined) t.match(message, /ImportAsIs/);
          else if (isBound) {
            const attributes = await attributesOf(service, id);
            for (const name of ['AlwaysSensitive', 'NeverExtractable'])
              t.equal(attributes.find((each) => each.name === name)?.value, false, `${label}: ${name}`);
          }
        }
      }
    }
  }
  denied.clear();
});
