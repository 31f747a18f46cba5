import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import type { ObjectTypeName } from '../../../codec/structures/managed-objects.ts';
import type { Version } from '../../../codec/version.ts';
import { ManagedObject } from '../../../src/object/managed-object.ts';
import { SetAttribute } from '../../../src/operations/attributes/set-attribute.ts';
import { JoinSplitKey } from '../../../src/operations/creation/join-split-key.ts';
import { Export } from '../../../src/operations/transfer/export.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { ask, attributeOf, having, length, outcome, succeed, versionsOf } from '../operations/ask.ts';
import { mask } from '../operations/transfer/wrapping-keys.ts';
import { TestService } from '../service.ts';
import { locked, type Protection, protections, protectLater, registerSecret } from './flow-inputs.ts';
import {
  createWhole,
  methods,
  registerShare,
  sensitive,
  split,
  storedMaterial,
  wholes,
} from './split-inputs.ts';

const service = await TestService.open();
t.teardown(() => service.close());

const none = protections[0] as Protection;
const guarded = protections.slice(1);
const versions = versionsOf(JoinSplitKey);
const types = ['SymmetricKey', 'SecretData', 'PrivateKey'] as const;

const joining = (ids: readonly string[], type: ObjectTypeName, ...stated: readonly Attribute[]) => ({
  ObjectType: type,
  UniqueIdentifier: ids,
  Attributes: having(...stated),
});
const join = (version: Version, ids: readonly string[], type: ObjectTypeName, ...stated: Attribute[]) =>
  outcome(service, version, JoinSplitKey, joining(ids, type, ...stated));

function reasonFor(version: Version, { name }: Protection): string {
  if (version === '1.2') return 'PermissionDenied';
  return name === 'Sensitive' ? 'Sensitive' : 'NotExtractable';
}

t.test('protected parts are joined with no foreign one, by any method and as any type', async (t) => {
  // Length of the shares in bytes, and the length in bits that both parts state.
  const lengths = [
    [16, undefined],
    [16, 8],
    [8, 64],
  ] as const;
  for (const method of methods) {
    for (const [bytes, bits] of lengths) {
      for (const format of ['Raw', 'PKCS_8'] as const) {
        const share = { method, bytes, bits, format };
        const foreign = await registerShare(service, { ...share, part: 2 }, none);
        for (const protection of guarded) {
          const own = await registerShare(service, { ...share, part: 1 }, protection);
          for (const type of types) {
            for (const version of versions) {
              const which = `${version} ${method} ${bytes} ${bits} ${format} ${type} ${protection.name}`;
              const expected = reasonFor(version, protection);
              t.equal(await join(version, [own, foreign], type), expected, which);
              t.equal(await join(version, [foreign, own], type, length(64)), expected, `${which}, turned`);
            }
          }
        }
      }
    }
  }
});

t.test('protected parts of two Create Split Keys are not joined, also of one key', async (t) => {
  const key = await createWhole(service, 'SymmetricKey', sensitive);
  const other = await createWhole(service, 'SymmetricKey', sensitive);
  for (const method of methods) {
    const [first] = await split(service, key, method);
    const [, second] = await split(service, key, method);
    const [, third] = await split(service, other, method);
    for (const version of versions)
      for (const beside of [second, third])
        t.equal(
          await join(version, [first, beside] as string[], 'SymmetricKey'),
          version === '1.2' ? 'PermissionDenied' : 'Sensitive',
          `${version} ${method}`,
        );
  }
});

t.test('all parts of one Create Split Key make up what was divided, and no other type', async (t) => {
  for (const [divided, make] of wholes) {
    for (const method of methods) {
      const whole = await make(service, sensitive);
      const material = await storedMaterial(service, whole);
      const parts = await split(service, whole, method);
      for (const version of versions) {
        for (const type of types) {
          const which = `${version} ${method}: ${divided} as ${type}`;
          const { id, reason } = await ask(service, version, JoinSplitKey, joining(parts, type));
          if (type !== divided) t.equal(reason, 'InvalidField', which);
          else t.same(await storedMaterial(service, id as string), material, which);
        }
      }
    }
  }
});

t.test('what was divided decides polynomial and length, not attributes of parts or requests', async (t) => {
  const label: Attribute = {
    vendor: 'x',
    name: 'SplitKeyPolynomial',
    value: { type: 'Integer', value: 283 },
  };
  for (const protection of [none, protections[1] as Protection]) {
    const key = await createWhole(service, 'SymmetricKey', ...protection.first);
    const material = await storedMaterial(service, key);
    for (const method of methods) {
      const parts = await split(service, key, method);
      for (const UniqueIdentifier of parts)
        await succeed(service, '2.1', SetAttribute, { UniqueIdentifier, NewAttribute: label });
      for (const version of versions) {
        const made = await succeed(service, version, JoinSplitKey, joining(parts, 'SymmetricKey'));
        t.same(await storedMaterial(service, made.UniqueIdentifier), material, `${version} ${method}`);
        for (const bits of [8, 120, 136, 128, 2_048])
          t.equal(
            await join(version, parts, 'SymmetricKey', length(bits)),
            version.startsWith('1.') ? 'InvalidField' : 'InvalidAttributeValue',
            `${version} ${method} ${bits}`,
          );
      }
    }
  }
});

t.test('a part that Import has put in the place of another is foreign', async (t) => {
  const secret = await registerSecret(service, none);
  const parts = await split(service, secret, 'PolynomialSharingPrimeField');
  const [first, second] = parts as [string, string];
  t.equal(await join('2.1', parts, 'SecretData'), 'Success', 'before');
  const { Object } = await succeed(service, '2.1', Export, { UniqueIdentifier: second });
  const request = { UniqueIdentifier: second, ReplaceExisting: true, Attributes: [], Object };
  await succeed(service, '2.1', Import, request);
  t.equal(await join('2.1', parts, 'SecretData'), 'Success', 'free parts');
  await protectLater(service, first, { name: 'later', first: [], later: [sensitive] });
  t.equal(await join('2.1', parts, 'SecretData'), 'Sensitive', 'one of them protected');
});

/** Turns a part into one that an earlier kmipd has made, which knows only what it was made with. */
async function makeEarlier(id: string): Promise<void> {
  const [row] = await service.store.load('g', [id]);
  const before = ManagedObject.fromStored(row as never, service.vault);
  const object = before.clone();
  object.changeProvenance({ share: undefined });
  const update = object.toStored(service.vault, { uniqueNames: false }, before);
  await service.store.commit({ expects: [], inserts: [], updates: [update] });
}

t.test('parts that an earlier kmipd has made together are joined with each other only', async (t) => {
  for (const [divided, make] of wholes) {
    for (const method of methods) {
      const whole = await make(service, sensitive);
      const material = await storedMaterial(service, whole);
      const parts = await split(service, whole, method);
      for (const id of parts) await makeEarlier(id);
      for (const type of types) {
        const { id, reason } = await ask(service, '2.1', JoinSplitKey, joining(parts, type));
        const isPrivate = (name: string) => name === 'PrivateKey';
        const which = `${method}: ${divided} as ${type}`;
        if (type === divided) t.same(await storedMaterial(service, id as string), material, which);
        else if (isPrivate(type) !== isPrivate(divided)) t.equal(reason, 'InvalidField', which);
      }
      const [, newer] = await split(service, whole, method);
      const [own] = parts;
      t.equal(await join('2.1', [own, newer] as string[], divided), 'Sensitive', `${method}: with a new one`);
    }
  }
});

t.test('what is joined is as protected as the most protected part', async (t) => {
  const key = await createWhole(service, 'SymmetricKey');
  const parts = await split(service, key, 'XOR');
  await protectLater(service, parts[1] as string, { name: 'later', first: [], later: [sensitive, locked] });
  const loose = [{ name: 'Sensitive', value: false } as const, { name: 'Extractable', value: true } as const];
  const joined = await succeed(service, '2.1', JoinSplitKey, joining(parts, 'SymmetricKey', ...loose));
  t.equal(await attributeOf(service, joined.UniqueIdentifier, 'Sensitive'), true);
  t.equal(await attributeOf(service, joined.UniqueIdentifier, 'Extractable'), false);
});

t.test('protection kmip joins protected parts of any origin', async (t) => {
  const lenient = await TestService.open({ protection: 'kmip' });
  t.teardown(() => lenient.close());
  for (const protection of guarded) {
    for (const method of methods) {
      const share = { method, bytes: 16, bits: 128 };
      const own = await registerShare(lenient, { ...share, part: 1 }, protection);
      const foreign = await registerShare(lenient, { ...share, part: 2 }, none);
      const request = joining([own, foreign], 'SymmetricKey', mask('Encrypt'));
      const actual = await outcome(lenient, '2.1', JoinSplitKey, request);
      t.equal(actual, 'Success', `${method} ${protection.name}`);
    }
  }
});
