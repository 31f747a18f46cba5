import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import type { RevocationReasonCode } from '../../../codec/enums.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { JoinSplitKey } from '../../../src/operations/creation/join-split-key.ts';
import { Encrypt } from '../../../src/operations/cryptography/encrypt.ts';
import { Destroy } from '../../../src/operations/lifecycle/destroy.ts';
import { Revoke } from '../../../src/operations/lifecycle/revoke.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { aes, attributeOf, having, outcome, succeed } from '../operations/ask.ts';
import { active, encryptWith, mask } from '../operations/transfer/wrapping-keys.ts';
import { TestService } from '../service.ts';
import { closedKey, sensitive } from './history.ts';
import { split } from './split-inputs.ts';

/** What is known of the bytes of a key holds for every object with them, whichever was made first. */

const service = await TestService.open();
t.teardown(() => service.close());
const kek = await closedKey(service);
const group = (ObjectGroup: string): Attribute => ({ name: 'ObjectGroup', value: ObjectGroup });

let copies = 0;
async function importCopy(id: string, ...stated: readonly Attribute[]): Promise<string> {
  const wrapped = await succeed(service, '2.1', Get, { UniqueIdentifier: id, ...encryptWith(kek) } as never);
  const UniqueIdentifier = `copy-${copies++}`;
  const Attributes = [active, ...stated];
  const Object = wrapped.Object as ManagedObjectValue;
  await succeed(service, '2.1', Import, {
    UniqueIdentifier,
    KeyWrapType: 'NotWrapped',
    Attributes,
    Object,
  } as never);
  return UniqueIdentifier;
}

/** A key and its copies: wrapped, a copy of the copy, and joined. */
async function family(): Promise<readonly string[]> {
  const { UniqueIdentifier: origin } = await succeed(service, '2.1', Create, {
    ObjectType: 'SymmetricKey',
    Attributes: having(...aes.slice(0, 2), sensitive, active, mask('Encrypt', 'Export'), group('first')),
  });
  const copy = await importCopy(origin, group('second'));
  const { UniqueIdentifier: joined } = await succeed(service, '2.1', JoinSplitKey, {
    ObjectType: 'SymmetricKey',
    UniqueIdentifier: await split(service, origin, 'XOR'),
    Attributes: having(active),
  });
  return [origin, copy, await importCopy(copy, group('third')), joined];
}

const stateOf = (id: string) => attributeOf(service, id, 'State');
const revoke = (UniqueIdentifier: string, RevocationReasonCode: RevocationReasonCode) =>
  succeed(service, '2.1', Revoke, { UniqueIdentifier, RevocationReason: { RevocationReasonCode } });

t.test('a compromise is that of every object of the key', async (t) => {
  for (const reason of ['KeyCompromise', 'CACompromise'] as const)
    for (const at of [0, 1, 2, 3]) {
      const ids = await family();
      await revoke(ids[at] as string, reason);
      for (const [of, id] of ids.entries()) {
        t.equal(await stateOf(id), 'Compromised', `${reason} of ${at}: state of ${of}`);
        const request = { UniqueIdentifier: id, Data: new Uint8Array(16) };
        t.equal(
          await outcome(service, '2.1', Encrypt, request as never),
          'WrongKeyLifecycleState',
          `use of ${of}`,
        );
      }
    }
});

t.test('a compromise after the destruction of an object is that of the others', async (t) => {
  for (const at of [0, 1, 3]) {
    const ids = await family();
    const gone = ids[at] as string;
    await revoke(gone, 'CessationOfOperation');
    await succeed(service, '2.1', Destroy, { UniqueIdentifier: gone });
    await revoke(gone, 'KeyCompromise');
    for (const id of ids)
      t.equal(await stateOf(id), id === gone ? 'DestroyedCompromised' : 'Compromised', `${at}: ${id}`);
  }
});

t.test('other ends are those of one object', async (t) => {
  for (const reason of ['CessationOfOperation', 'Superseded', 'PrivilegeWithdrawn', 'Unspecified'] as const) {
    const [first, ...others] = (await family()) as [string, ...string[]];
    await revoke(first, reason);
    t.equal(await stateOf(first), 'Deactivated', reason);
    for (const id of others) t.equal(await stateOf(id), 'Active', reason);
  }
});

t.test('a limited Right compromises what it includes', async (t) => {
  const ids = await family();
  service.sender = { rights: [{ operations: ['Revoke'], groups: ['second', 'third'] }] };
  await revoke(ids[1] as string, 'KeyCompromise');
  service.sender = {};
  const states = await Promise.all(ids.map(stateOf));
  t.same(states, ['Active', 'Compromised', 'Compromised', 'Active']);
});
