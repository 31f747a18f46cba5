import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { Encrypt } from '../../../src/operations/cryptography/encrypt.ts';
import { Activate } from '../../../src/operations/lifecycle/activate.ts';
import { Destroy } from '../../../src/operations/lifecycle/destroy.ts';
import { Revoke } from '../../../src/operations/lifecycle/revoke.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { RestorableDirectory } from '../../../src/protocol/restorable-directory.ts';
import { withLimits } from '../keys.ts';
import { aes, ask, attributeOf, having, outcome, succeed } from '../operations/ask.ts';
import { encryptWith, mask, parameters, symmetric } from '../operations/transfer/wrapping-keys.ts';
import { closedKey, sensitive } from '../protection/history.ts';
import { TestService } from '../service.ts';

/** Copies of a key, and what a restored object of the same key may do. */

let waiting = 30 * 86_400;
const service = await TestService.open({ waitingSeconds: () => waiting });
t.teardown(() => service.close());
service.now = Date.now();
const directory = new RestorableDirectory(service.store, service.vault, { uniqueNames: false });
const restore = (id: string) => directory.restore(id);
const kek = await closedKey(service);
const hasComeBack = /the key of ".*" has come back as another object since/;
let n = 0;
async function wrapped(id: string) {
  const got = await succeed(service, '2.1', Get, { UniqueIdentifier: id, ...encryptWith(kek) } as never);
  return got.Object as ManagedObjectValue;
}
const importCopy = (Object: ManagedObjectValue, ...Attributes: readonly Attribute[]) =>
  ask(service, '2.1', Import, {
    ...{ UniqueIdentifier: `copy-${n++}`, KeyWrapType: 'NotWrapped', Attributes, Object },
  } as never);
async function made(...attributes: readonly Attribute[]) {
  const { UniqueIdentifier } = await succeed(service, '2.1', Create, {
    ObjectType: 'SymmetricKey',
    Attributes: having(
      ...aes.slice(0, 2),
      sensitive,
      mask('Encrypt', 'Export'),
      parameters({ BlockCipherMode: 'GCM', RandomIV: true }),
      ...attributes,
    ),
  });
  return UniqueIdentifier;
}
const destroy = (UniqueIdentifier: string) => succeed(service, '2.1', Destroy, { UniqueIdentifier });
const compromise = (UniqueIdentifier: string) =>
  succeed(service, '2.1', Revoke, {
    UniqueIdentifier,
    RevocationReason: { RevocationReasonCode: 'KeyCompromise' },
  });
const stateOf = (id: string) => attributeOf(service, id, 'State');
async function uses(id: string, limit: number): Promise<number> {
  await outcome(service, '2.1', Activate, { UniqueIdentifier: id });
  let count = 0;
  const request = { UniqueIdentifier: id, Data: new Uint8Array(10) } as never;
  while (count < limit && (await outcome(service, '2.1', Encrypt, request)) === 'Success') count += 1;
  return count;
}

t.test('Usage Limits of a key are not multiplied by restoring the origin', async (t) => {
  const source = await made(withLimits(64n));
  const blob = await wrapped(source);
  t.equal((await importCopy(blob)).reason, 'UsageLimitExceeded', 'beside the key none is imported');
  await destroy(source);
  const copy = await importCopy(blob);
  t.equal(copy.status, 'Success');
  const ofCopy = await uses(copy.id as string, 20);
  t.match(await restore(source), hasComeBack);
  const ofSource = await uses(source, 20);
  t.ok(ofCopy * 10 + ofSource * 10 <= 64, `${ofCopy} + ${ofSource} uses of 10 bytes, of 64 bytes`);
});

t.test('Usage Limits of a key are not multiplied by restoring copies', async (t) => {
  const source = await made(withLimits(64n));
  const blob = await wrapped(source);
  await destroy(source);
  const ids: string[] = [];
  for (let i = 0; i < 3; i += 1) {
    const { id } = await importCopy(blob);
    ids.push(id as string);
    await destroy(id as string);
  }
  const [last = '', ...others] = ids.toReversed();
  for (const id of [source, ...others]) t.match(await restore(id), hasComeBack);
  t.match(await restore(last), { group: 'g' });
  let all = 0;
  for (const id of ids) all += await uses(id, 20);
  t.ok(all * 10 <= 64, `${all} uses of 10 bytes, of 64`);
});

t.test('a copy is not restored once the list of copies has changed without it', async (t) => {
  for (const isEarlier of [true, false]) {
    const source = await made();
    const blob = await wrapped(source);
    const first = (await importCopy(blob)).id as string;
    await destroy(first);
    await importCopy(blob);
    if (isEarlier) await compromise(source);
    t.match(await restore(first), hasComeBack, 'a compromise of the key would not reach it');
  }
});

t.test(
  'a compromise within the period reaches a destroyed copy, and one after it the restored one',
  async (t) => {
    for (const isEarlier of [true, false]) {
      const source = await made();
      const copy = (await importCopy(await wrapped(source))).id as string;
      await destroy(copy);
      if (isEarlier) await compromise(source);
      t.match(await restore(copy), { group: 'g' });
      if (!isEarlier) await compromise(source);
      t.equal(await stateOf(copy), 'Compromised');
    }
  },
);

t.test('what a restored object held binds nothing that takes its place', async (t) => {
  for (const isRestored of [true, false]) {
    const source = await made();
    const copy = (await importCopy(await wrapped(source))).id as string;
    if (isRestored) {
      await destroy(copy);
      t.match(await restore(copy), { group: 'g' });
    }
    waiting = 0;
    const Object = symmetric(new Uint8Array(16).fill(9));
    const replacing = { ReplaceExisting: true, Attributes: [mask('Encrypt')], Object };
    const replaced = await ask(service, '2.1', Import, { UniqueIdentifier: copy, ...replacing } as never);
    t.equal(replaced.status, 'Success', `${replaced.message}`);
    await destroy(copy);
    waiting = 30 * 86_400;
    await compromise(copy);
    t.equal(await stateOf(source), 'PreActive', 'the key that was there before is another one');
  }
});

t.test('an object without copies is restored, also when others of its kind have some', async (t) => {
  const [alone, source] = [await made(), await made()];
  await importCopy(await wrapped(source));
  await destroy(alone);
  await importCopy(await wrapped(source));
  t.match(await restore(alone), { group: 'g' });
  await destroy(source);
  t.match(await restore(source), { group: 'g' });
});
