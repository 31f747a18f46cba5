import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import type { CryptographicUsageMask } from '../../../codec/masks.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { CreateKeyPair } from '../../../src/operations/creation/create-key-pair.ts';
import { JoinSplitKey } from '../../../src/operations/creation/join-split-key.ts';
import { Sign } from '../../../src/operations/cryptography/sign.ts';
import { Destroy } from '../../../src/operations/lifecycle/destroy.ts';
import { Revoke } from '../../../src/operations/lifecycle/revoke.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { having, outcome, succeed } from '../operations/ask.ts';
import { p256 } from '../operations/certificates/authority.ts';
import { active, encryptWith, mask } from '../operations/transfer/wrapping-keys.ts';
import { TestService } from '../service.ts';
import { closedKey, provenanceOf, sensitive } from './history.ts';
import { methods, split } from './split-inputs.ts';

/** What a key was for holds for its copies: a copy of an authority's key signs no data of a client. */

type Bit = (typeof CryptographicUsageMask)['members'][number];

const service = await TestService.open();
t.teardown(() => service.close());
const kek = await closedKey(service);

async function createKey(...bits: readonly Bit[]): Promise<string> {
  const made = await succeed(service, '2.1', CreateKeyPair, {
    CommonAttributes: having(...p256, active),
    PrivateKeyAttributes: having(mask('Export', ...bits), sensitive),
    PublicKeyAttributes: having(mask('Verify')),
  });
  return made.PrivateKeyUniqueIdentifier;
}

let copies = 0;
async function importAs(id: string, ...stated: readonly Attribute[]): Promise<string> {
  const wrapped = await succeed(service, '2.1', Get, { UniqueIdentifier: id, ...encryptWith(kek) } as never);
  const UniqueIdentifier = `copy-${copies++}`;
  const request = { UniqueIdentifier, KeyWrapType: 'NotWrapped', Attributes: stated };
  await succeed(service, '2.1', Import, {
    ...request,
    Object: wrapped.Object as ManagedObjectValue,
  } as never);
  return UniqueIdentifier;
}

/** Divides a key and joins its parts with the attributes. */
const joinBy =
  (method: (typeof methods)[number]) =>
  async (id: string, ...stated: readonly Attribute[]): Promise<string> => {
    const joined = await succeed(service, '2.1', JoinSplitKey, {
      ObjectType: 'PrivateKey',
      UniqueIdentifier: await split(service, id, method),
      Attributes: having(...stated),
    } as never);
    return joined.UniqueIdentifier;
  };

const ways: Readonly<Record<string, (id: string, ...stated: readonly Attribute[]) => Promise<string>>> = {
  'wrapped and imported': importAs,
  'imported, and again': async (id, ...stated) => importAs(await importAs(id, ...stated), ...stated),
  ...Object.fromEntries(methods.map((method) => [`joined by ${method}`, joinBy(method)])),
};
const sign = (id: string) =>
  outcome(service, '2.1', Sign, { UniqueIdentifier: id, Data: Uint8Array.of(1) } as never);

for (const [way, copy] of Object.entries(ways))
  t.test(`${way}: the copy has the history of the key`, async (t) => {
    for (const bits of [['CertificateSign'], ['CRLSign'], ['CertificateSign', 'CRLSign']] as const) {
      const id = await createKey('Sign', ...bits);
      t.equal(await sign(id), 'IncompatibleCryptographicUsageMask', 'the key itself');
      const narrow = await copy(id, mask('Sign', 'Export'), active);
      t.equal(await sign(narrow), 'IncompatibleCryptographicUsageMask', `${bits}`);
    }
    const ordinary = await createKey('Sign');
    t.equal(await sign(await copy(ordinary, mask('Sign', 'Export'), active)), 'Success', 'another key');
  });

t.test('the history of a destroyed key is that of its copies', async (t) => {
  const id = await createKey('Sign', 'CertificateSign');
  const wrapped = await succeed(service, '2.1', Get, { UniqueIdentifier: id, ...encryptWith(kek) } as never);
  const reason = { RevocationReasonCode: 'CessationOfOperation' } as const;
  await succeed(service, '2.1', Revoke, { UniqueIdentifier: id, RevocationReason: reason });
  await succeed(service, '2.1', Destroy, { UniqueIdentifier: id });
  const request = { UniqueIdentifier: 'late', KeyWrapType: 'NotWrapped', Attributes: [mask('Sign')] };
  await succeed(service, '2.1', Import, { ...request, Object: wrapped.Object } as never);
  const every = mask('Sign', 'CertificateSign', 'Export').value as number;
  t.equal((await provenanceOf(service, 'late')).masks, every);
});
