import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { readJson, writeJson } from '../../../src/common/json.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { Encrypt } from '../../../src/operations/cryptography/encrypt.ts';
import { keyCopiesKind } from '../../../src/operations/key-copies.ts';
import { Activate } from '../../../src/operations/lifecycle/activate.ts';
import { Destroy } from '../../../src/operations/lifecycle/destroy.ts';
import { Revoke } from '../../../src/operations/lifecycle/revoke.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { UnitOfWork } from '../../../src/protocol/unit-of-work/unit-of-work.ts';
import { withLimits } from '../keys.ts';
import { aes, ask, attributeOf, having, succeed } from '../operations/ask.ts';
import { encryptWith, mask, parameters } from '../operations/transfer/wrapping-keys.ts';
import { TestService } from '../service.ts';
import { closedKey, sensitive } from './history.ts';

/** Copies that have been destroyed leave the list of a key; what they mean for later ones stays. */

const service = await TestService.open();
t.teardown(() => service.close());
const kek = await closedKey(service);

/** A Pre-Active key, which may be destroyed and used again as copy, and the function that copies it. */
async function prepare(...attributes: readonly Attribute[]) {
  const { UniqueIdentifier: source } = await succeed(service, '2.1', Create, {
    ObjectType: 'SymmetricKey',
    Attributes: having(
      ...aes.slice(0, 2),
      sensitive,
      mask('Encrypt', 'Export'),
      parameters({ BlockCipherMode: 'GCM', RandomIV: true }),
      ...attributes,
    ),
  });
  const wrapped = await succeed(service, '2.1', Get, {
    UniqueIdentifier: source,
    ...encryptWith(kek),
  } as never);
  return { source, copy: (group = 'copies') => importCopy(wrapped.Object as ManagedObjectValue, group) };
}

let imports = 0;
function importCopy(Object: ManagedObjectValue, group: string) {
  const UniqueIdentifier = `copy-${imports++}`;
  const Attributes = [{ name: 'ObjectGroup', value: group }];
  const request = { UniqueIdentifier, KeyWrapType: 'NotWrapped', Attributes, Object };
  return ask(service, '2.1', Import, request as never);
}

const destroy = (UniqueIdentifier: string | undefined) =>
  succeed(service, '2.1', Destroy, { UniqueIdentifier: UniqueIdentifier as string });
const compromise = (UniqueIdentifier: string | undefined) =>
  succeed(service, '2.1', Revoke, {
    UniqueIdentifier: UniqueIdentifier as string,
    RevocationReason: { RevocationReasonCode: 'KeyCompromise' },
  });
async function use(UniqueIdentifier: string | undefined) {
  const id = UniqueIdentifier as string;
  await succeed(service, '2.1', Activate, { UniqueIdentifier: id });
  await succeed(service, '2.1', Encrypt, { UniqueIdentifier: id, Data: new Uint8Array(10) } as never);
  await succeed(service, '2.1', Revoke, {
    UniqueIdentifier: id,
    RevocationReason: { RevocationReasonCode: 'CessationOfOperation' },
  });
}
const stateOf = (id: string | undefined) => attributeOf(service, id as string, 'State');
const limitsOf = (id: string | undefined) => attributeOf(service, id as string, 'UsageLimits');

/** Reads the record of the copies of a key, and replaces it when `content` is given. */
async function record(origin: string, content?: object): Promise<{ copies: { id: string }[] }> {
  const at = { uniqueNames: false, now: service.now / 1000 };
  const unit = new UnitOfWork(service.store, service.vault, at);
  const stored = (await unit.record(keyCopiesKind, origin))?.content;
  if (content !== undefined) {
    unit.putRecord(keyCopiesKind, origin, 'g', writeJson(content));
    t.equal(await unit.commit(), 'committed');
  }
  return readJson(stored as Uint8Array);
}

t.test('a key has 100 copies that are here, and any number that was destroyed', async (t) => {
  const { source, copy } = await prepare();
  for (let round = 0; round < 110; round++) {
    const { id, status } = await copy();
    t.equal(status, 'Success');
    await destroy(id);
  }
  const ids: (string | undefined)[] = [];
  for (let n = 0; n < 100; n++) ids.push((await copy()).id);
  t.equal((await copy()).reason, 'ServerLimitExceeded');
  t.equal((await record(source)).copies.length, 100);
  await destroy(ids[50]);
  t.equal((await copy()).status, 'Success');
  t.equal((await record(source)).copies.length, 100);
});

/** What happens to a copy before later ones. `unlist`: another one is made, so this one leaves the list. */
const events = [
  ['compromise', 'destroy'],
  ['destroy', 'compromise'],
  ['destroy', 'unlist', 'compromise'],
  ['compromise', 'destroy', 'unlist'],
] as const;

for (const steps of events)
  for (const isLimited of [false, true])
    t.test(`a compromise stays: ${steps}, ${isLimited ? 'limited' : 'whole'} Right`, async (t) => {
      const { source, copy } = await prepare();
      const { id } = await copy();
      const act = {
        compromise: () => compromise(id),
        destroy: () => destroy(id),
        async unlist() {
          service.sender = {};
          // It is outside of the limited Right, which leaves it as it is.
          await destroy((await copy('others')).id);
          t.notOk((await record(source)).copies.some((each) => each.id === id));
        },
      };
      for (const step of steps) {
        // A limited Right leaves the source as it is, so that the copy alone tells of the compromise.
        service.sender = isLimited
          ? { rights: [{ operations: ['Revoke', 'Destroy'], groups: ['copies'] }] }
          : {};
        await act[step]();
      }
      service.sender = {};
      t.equal(await stateOf(source), isLimited ? 'PreActive' : 'Compromised');
      for (const later of [await copy(), await copy()]) t.equal(await stateOf(later.id), 'Compromised');
    });

t.test('uses of a copy count when it has left the list', async (t) => {
  const { source, copy } = await prepare(withLimits(64n));
  await destroy(source);
  for (const left of [64n, 54n, 44n, 34n]) {
    const { id } = await copy();
    t.match(await limitsOf(id), { UsageLimitsTotal: 64n, UsageLimitsCount: left });
    await use(id);
    await destroy(id);
  }
});

t.test('a list of an older kmipd binds as before', async (t) => {
  const { source, copy } = await prepare(withLimits(64n));
  await destroy(source);
  const { id } = await copy();
  await use(id);
  await destroy(id);
  await record(source, [id as string]);
  const later = await copy();
  t.match(await limitsOf(later.id), { UsageLimitsCount: 54n });
  const { copy: copyOther, source: other } = await prepare();
  const first = await copyOther();
  await record(other, [first.id as string]);
  service.sender = { rights: [{ operations: ['Revoke', 'Destroy'], groups: ['copies'] }] };
  await compromise(first.id);
  await destroy(first.id);
  service.sender = {};
  t.equal(await stateOf((await copyOther()).id), 'Compromised');
  t.equal((await record(other)).copies.length, 1, 'the destroyed one has left the list');
});
