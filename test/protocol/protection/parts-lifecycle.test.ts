import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import { JoinSplitKey } from '../../../src/operations/creation/join-split-key.ts';
import { Destroy } from '../../../src/operations/lifecycle/destroy.ts';
import { Revoke } from '../../../src/operations/lifecycle/revoke.ts';
import { withLimits } from '../keys.ts';
import { aes, ask, attributeOf, having, succeed } from '../operations/ask.ts';
import { active, mask } from '../operations/transfer/wrapping-keys.ts';
import { TestService } from '../service.ts';
import { createWhole, methods, sensitive, split } from './split-inputs.ts';

/** What protected parts and earlier joins of them mean for the key that is joined. */

const service = await TestService.open();
t.teardown(() => service.close());

type Method = (typeof methods)[number];
/** Where the key of the parts comes from: it was divided, or generated for them. */
const makers: Readonly<
  Record<string, (method: Method, ...stated: Attribute[]) => Promise<readonly string[]>>
> = {
  divided: async (method, ...stated) =>
    split(service, await createWhole(service, 'SymmetricKey', sensitive, active, ...stated), method, active),
  generated: (method, ...stated) =>
    split(service, undefined, method, ...aes.slice(0, 2), mask('Encrypt'), sensitive, active, ...stated),
};

const join = (UniqueIdentifier: readonly string[], ...stated: readonly Attribute[]) =>
  ask(service, '2.1', JoinSplitKey, {
    ObjectType: 'SymmetricKey',
    UniqueIdentifier,
    Attributes: having(active, ...stated),
  });
const revoke = (UniqueIdentifier: string, RevocationReasonCode: 'KeyCompromise' | 'Superseded') =>
  succeed(service, '2.1', Revoke, { UniqueIdentifier, RevocationReason: { RevocationReasonCode } });
const stateOf = (id: string | undefined) => attributeOf(service, id as string, 'State');

for (const [origin, make] of Object.entries(makers)) {
  t.test(`a key is over when one of its parts is: ${origin}`, async (t) => {
    for (const method of methods) {
      for (const [code, state] of [
        ['KeyCompromise', 'Compromised'],
        ['Superseded', 'Deactivated'],
      ] as const) {
        for (const which of [0, 1]) {
          const parts = await make(method);
          t.equal(await stateOf((await join(parts)).id), 'Active', 'before');
          await revoke(parts[which] as string, code);
          for (const order of [parts, parts.toReversed()])
            t.equal(await stateOf((await join(order)).id), state, `${method} ${code} ${which}`);
        }
      }
    }
  });

  t.test(`a key that was joined and compromised compromises later joins: ${origin}`, async (t) => {
    for (const method of methods) {
      const parts = await make(method);
      const { id } = await join(parts);
      await revoke(id as string, 'KeyCompromise');
      t.equal(await stateOf((await join(parts)).id), 'Compromised', method);
      await succeed(service, '2.1', Destroy, { UniqueIdentifier: id as string });
      t.equal(await stateOf((await join(parts)).id), 'Compromised', `${method}: destroyed`);
    }
  });
}

t.test('the dates of parts bound the key', async (t) => {
  const dates = ['ProtectStopDate', 'DeactivationDate'].map(
    (name, at) => ({ name, value: 4_000_000_000 + at }) as Attribute,
  );
  for (const method of methods) {
    const parts = await makers.generated?.(method, ...dates);
    const later = dates.map((date) => ({ ...date, value: 5_000_000_000 }) as Attribute);
    const { id } = await join(parts as readonly string[], ...later);
    for (const { name, value } of dates)
      t.equal(
        await attributeOf(service, id as string, name as 'DeactivationDate'),
        value,
        `${method} ${name}`,
      );
  }
});

t.test('the uses of a key that was generated for its parts are counted once', async (t) => {
  for (const method of methods) {
    const parts = (await makers.generated?.(method, withLimits(64n))) as readonly string[];
    const { id } = await join(parts, withLimits(1_000n));
    t.match(await attributeOf(service, id as string, 'UsageLimits'), { UsageLimitsTotal: 64n }, method);
    t.equal((await join(parts)).reason, 'UsageLimitExceeded', 'while the key is here');
  }
});
