import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import type { Version } from '../../../codec/version.ts';
import { GetAttributeList } from '../../../src/operations/attributes/get-attribute-list.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { CreateKeyPair } from '../../../src/operations/creation/create-key-pair.ts';
import { DeriveKey } from '../../../src/operations/creation/derive-key.ts';
import { ReKey } from '../../../src/operations/creation/re-key.ts';
import { ReKeyKeyPair } from '../../../src/operations/creation/re-key-key-pair.ts';
import { Locate } from '../../../src/operations/locate.ts';
import { Register } from '../../../src/operations/transfer/register.ts';
import { active, withMask } from '../keys.ts';
import { TestService } from '../service.ts';
import { aes, algorithm, attributeOf, having, length, succeed } from './ask.ts';

const service = await TestService.open();
t.teardown(() => service.close());

const legacy: readonly Version[] = ['1.0', '1.1', '1.2', '1.3', '1.4'];
const modern: readonly Version[] = ['2.0', '2.1'];
const policy = (value: string): Attribute => ({ name: 'OperationPolicyName', value });
const template: ManagedObjectValue = { type: 'Template', value: { Attributes: aes } };

let templates = 0;

/** Makes an object by every operation that creates one; returns the identifiers by operation. */
async function makeAll(version: Version, stated: readonly Attribute[] = []): Promise<Map<string, string>> {
  const made = new Map<string, string>();
  const { UniqueIdentifier: key } = await succeed(service, version, Create, {
    ObjectType: 'SymmetricKey',
    Attributes: having(...aes.slice(0, 2), withMask('DeriveKey'), active, ...stated),
  });
  made.set('Create', key);
  const derived = await succeed(service, version, DeriveKey, {
    ObjectType: 'SymmetricKey',
    UniqueIdentifier: [key],
    DerivationMethod: 'HMAC',
    DerivationParameters: {
      CryptographicParameters: { HashingAlgorithm: 'SHA_256' },
      DerivationData: [new Uint8Array(3)],
    },
    Attributes: having(...aes, ...stated),
  });
  made.set('DeriveKey', derived.UniqueIdentifier);
  const replacement = await succeed(service, version, ReKey, {
    UniqueIdentifier: key,
    Attributes: having(...stated),
  });
  made.set('ReKey', replacement.UniqueIdentifier);
  if (legacy.includes(version)) {
    templates += 1;
    const name: Attribute = { name: 'Name', value: { NameValue: `t${templates}`, NameType: 'URI' } };
    const request = {
      ObjectType: 'Template',
      Attributes: having(name, ...stated),
      Object: template,
    } as const;
    made.set('Register', (await succeed(service, version, Register, request)).UniqueIdentifier);
  }
  const pair = await succeed(service, version, CreateKeyPair, {
    CommonAttributes: having(algorithm('ECDSA'), length(256), ...stated),
    PrivateKeyAttributes: having(withMask('Sign')),
    PublicKeyAttributes: having(withMask('Verify')),
  });
  made.set('CreateKeyPair private', pair.PrivateKeyUniqueIdentifier);
  made.set('CreateKeyPair public', pair.PublicKeyUniqueIdentifier);
  if (version === '1.0') return made;
  const pairAgain = await succeed(service, version, ReKeyKeyPair, {
    PrivateKeyUniqueIdentifier: pair.PrivateKeyUniqueIdentifier,
    CommonAttributes: having(...stated),
  });
  made.set('ReKeyKeyPair private', pairAgain.PrivateKeyUniqueIdentifier);
  made.set('ReKeyKeyPair public', pairAgain.PublicKeyUniqueIdentifier);
  return made;
}

const located = async (version: Version, value: string) =>
  (await succeed(service, version, Locate, { Attributes: [policy(value)] })).UniqueIdentifier;

t.test('objects that 1.x clients make without Operation Policy Name have `default`', async (t) => {
  for (const version of legacy) {
    for (const [operation, id] of await makeAll(version)) {
      for (const reader of legacy)
        t.equal(
          await attributeOf(service, id, 'OperationPolicyName', reader),
          'default',
          `${version} ${operation}`,
        );
      t.ok((await located(version, 'default')).includes(id), `${version} ${operation} is located`);
      t.notOk((await located(version, 'other')).includes(id));
    }
  }
});

t.test('an Operation Policy Name that the client states is kept', async (t) => {
  for (const version of legacy) {
    for (const [operation, id] of await makeAll(version, [policy('mine')])) {
      t.equal(
        await attributeOf(service, id, 'OperationPolicyName', version),
        'mine',
        `${version} ${operation}`,
      );
      t.notOk((await located(version, 'default')).includes(id));
      t.ok((await located(version, 'mine')).includes(id));
    }
  }
});

t.test('versions without the attribute do not see it', async (t) => {
  const id = (await makeAll('1.4')).get('Create') as string;
  for (const version of modern) {
    t.equal(await attributeOf(service, id, 'OperationPolicyName', version), undefined, version);
    const list = await succeed(service, version, GetAttributeList, { UniqueIdentifier: id });
    t.notOk(list.AttributeReference.some(({ name }) => name === 'OperationPolicyName'));
  }
});

t.test('Locate by `default` finds objects that have no Operation Policy Name', async (t) => {
  for (const version of modern) {
    for (const [operation, id] of await makeAll(version)) {
      t.equal(
        await attributeOf(service, id, 'OperationPolicyName', '1.4'),
        undefined,
        `${version} ${operation}`,
      );
      t.ok((await located('1.2', 'default')).includes(id), `${version} ${operation} is located`);
      t.notOk((await located('1.2', 'other')).includes(id));
    }
  }
});
