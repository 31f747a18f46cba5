import t, { type Test } from 'tap';
import type { Attribute } from '../../../../codec/attribute.ts';
import { newestVersion, type Version } from '../../../../codec/version.ts';
import { GetAttributes } from '../../../../src/operations/attributes/get-attributes.ts';
import { Archive } from '../../../../src/operations/lifecycle/archive.ts';
import { Destroy } from '../../../../src/operations/lifecycle/destroy.ts';
import { Revoke } from '../../../../src/operations/lifecycle/revoke.ts';
import { Import } from '../../../../src/operations/transfer/import.ts';
import { active } from '../../keys.ts';
import { TestService } from '../../service.ts';
import { ask, attributesOf, outcome, storedKey, succeed, versionsOf } from '../ask.ts';
import { others } from '../objects.ts';

const service = await TestService.open();
t.teardown(() => service.close());

const revoke = (id: string, RevocationReasonCode: string, rest: object = {}) =>
  succeed(service, '2.1', Revoke, {
    UniqueIdentifier: id,
    RevocationReason: { RevocationReasonCode },
    ...rest,
  });
const destroy = (id: string) => succeed(service, '2.1', Destroy, { UniqueIdentifier: id });

/** Every state of an object, and how it is reached; archived objects count as one. */
const states: Readonly<Record<string, (...attributes: Attribute[]) => Promise<string>>> = {
  PreActive: (...attributes) => storedKey(service, ...attributes),
  Active: (...attributes) => storedKey(service, active, ...attributes),
  async Deactivated(...attributes) {
    const id = await storedKey(service, active, ...attributes);
    await revoke(id, 'Superseded');
    return id;
  },
  'deactivated by its date': (...attributes) =>
    storedKey(service, active, { ...active, name: 'DeactivationDate' } as Attribute, ...attributes),
  async Compromised(...attributes) {
    const id = await storedKey(service, active, ...attributes);
    await revoke(id, 'KeyCompromise', { CompromiseOccurrenceDate: 1_000 });
    return id;
  },
  async Destroyed(...attributes) {
    const id = await storedKey(service, ...attributes);
    await destroy(id);
    return id;
  },
  async DestroyedCompromised(...attributes) {
    const id = await states.Compromised?.(...attributes);
    await destroy(id as string);
    return id as string;
  },
  async archived(...attributes) {
    const id = await storedKey(service, ...attributes);
    await succeed(service, '2.1', Archive, { UniqueIdentifier: id });
    return id;
  },
};

/** Reason of the refusal in 1.4, 2.0 and 2.1; the others may be replaced. */
const refused: Readonly<Record<string, readonly [string, string, string]>> = {
  Active: ['PermissionDenied', 'PermissionDenied', 'WrongKeyLifecycleState'],
  Destroyed: ['PermissionDenied', 'ObjectDestroyed', 'ObjectDestroyed'],
  DestroyedCompromised: ['PermissionDenied', 'ObjectDestroyed', 'ObjectDestroyed'],
  archived: ['ObjectArchived', 'ObjectArchived', 'ObjectArchived'],
};

const sensitive: Attribute = { name: 'Sensitive', value: true };
const locked: Attribute = { name: 'Extractable', value: false };
const flags: readonly (readonly Attribute[])[] = [[], [sensitive], [locked], [sensitive, locked]];

/** What a replacement states of its life: nothing, a fresh life, a compromise of its own. */
const lives: readonly (readonly Attribute[])[] = [
  [],
  [{ name: 'State', value: 'Active' }, { ...active }],
  [
    { name: 'State', value: 'Compromised' },
    { name: 'CompromiseDate', value: 77 },
    { name: 'RevocationReason', value: { RevocationReasonCode: 'CACompromise' } },
  ],
];
/** What a replacement states of its protection. */
const claims: readonly (readonly Attribute[])[] = [
  [],
  [
    { name: 'Sensitive', value: false },
    { name: 'Extractable', value: true },
  ],
  [sensitive, locked],
];

const [, Object] = others.find(([name]) => name === 'raw AES') as (typeof others)[number];
const replacing = (UniqueIdentifier: string, ...Attributes: Attribute[]) => ({
  UniqueIdentifier,
  ReplaceExisting: true,
  Attributes,
  Object,
});

/** All attributes of an object; the reason of the refusal for an archived one. */
async function snapshot(id: string): Promise<unknown> {
  const { payload, reason } = await ask(service, '2.1', GetAttributes, { UniqueIdentifier: id });
  return payload?.Attributes ?? reason;
}

type Values = Readonly<Record<string, unknown>>;
async function valuesOf(id: string): Promise<Values> {
  return globalThis.Object.fromEntries(
    (await attributesOf(service, id)).map(({ name, value }) => [name, value]),
  );
}

const compromise = ['CompromiseDate', 'CompromiseOccurrenceDate', 'RevocationReason'];
const pick = (values: Values, names: readonly string[]) => names.map((name) => values[name]);

async function replaceAndCompare(t: Test, version: Version, state: string, set: readonly Attribute[]) {
  for (const [row, life] of lives.entries()) {
    for (const [column, claim] of claims.entries()) {
      // The newest version tries every combination, the older ones the diagonal.
      if (version !== newestVersion && row !== column) continue;
      const id = (await states[state]?.(...set)) as string;
      const before = await valuesOf(id);
      await succeed(service, version, Import, replacing(id, ...life, ...claim));
      const after = await valuesOf(id);
      const which = `${version} ${state} ${JSON.stringify([set, life, claim])}`;
      t.equal(after.Sensitive, set.includes(sensitive) || claim.includes(sensitive), `${which}: Sensitive`);
      t.equal(after.Extractable, !set.includes(locked) && !claim.includes(locked), `${which}: Extractable`);
      t.notOk(after.AlwaysSensitive && !before.AlwaysSensitive, `${which}: Always Sensitive`);
      t.notOk(after.NeverExtractable && !before.NeverExtractable, `${which}: Never Extractable`);
      t.equal(after.CryptographicLength, 128, `${which}: the new value`);
      const isCompromise = life === lives[2];
      if (before.State === 'Compromised' || (before.State === 'Deactivated' && !isCompromise))
        t.same(pick(after, ['State', 'DeactivationDate', ...compromise]), [
          ...pick(before, ['State', 'DeactivationDate', ...compromise]),
        ]);
      else if (isCompromise) t.same(pick(after, ['State', 'CompromiseDate']), ['Compromised', 77], which);
      else t.equal(after.State, life.length === 0 ? 'PreActive' : 'Active', which);
      if (before.State === 'Deactivated') t.equal(after.DeactivationDate, before.DeactivationDate, which);
    }
  }
}

t.test('Import replaces an object only in the states in which it may be destroyed', async (t) => {
  for (const [index, version] of versionsOf(Import).entries()) {
    for (const state of globalThis.Object.keys(states)) {
      for (const set of flags) {
        const reason = refused[state]?.[index];
        if (reason === undefined) {
          await replaceAndCompare(t, version, state, set);
          continue;
        }
        const id = (await states[state]?.(...set)) as string;
        const before = await snapshot(id);
        for (const life of lives)
          t.equal(await outcome(service, version, Import, replacing(id, ...life)), reason, state);
        t.same(await snapshot(id), before, `${version} ${state}: nothing has changed`);
      }
    }
  }
});

t.test('Import does not raise the Usage Limits of the object that it replaces', async (t) => {
  const limits = (total: bigint, unit: 'Byte' | 'Object' = 'Byte'): Attribute => ({
    name: 'UsageLimits',
    value: { UsageLimitsTotal: total, UsageLimitsUnit: unit },
  });
  for (const version of versionsOf(Import)) {
    for (const [stated, expected] of [
      [[], [100n, 'Byte']],
      [[limits(1_000n)], [100n, 'Byte']],
      [[limits(10n)], [10n, 'Byte']],
      [[limits(10n, 'Object')], [100n, 'Byte']],
    ] as const) {
      const id = await storedKey(service, limits(100n));
      await succeed(service, version, Import, replacing(id, ...stated));
      const { UsageLimits } = await valuesOf(id);
      const { UsageLimitsTotal, UsageLimitsUnit } = UsageLimits as Values;
      t.same([UsageLimitsTotal, UsageLimitsUnit], expected, version);
    }
    const free = await storedKey(service);
    await succeed(service, version, Import, replacing(free, limits(7n)));
    t.match((await valuesOf(free)).UsageLimits, { UsageLimitsTotal: 7n }, 'new limits apply');
  }
});

t.test('Import replaces an object only with the permission ImportReplace', async (t) => {
  const denied = new Set<string>();
  const guarded = await TestService.open({ may: (permission) => !denied.has(permission) });
  t.teardown(() => guarded.close());
  for (const version of versionsOf(Import)) {
    const id = await storedKey(guarded);
    const before = await attributesOf(guarded, id);
    denied.add('ImportReplace');
    t.equal(await outcome(guarded, version, Import, replacing(id)), 'PermissionDenied', `${version}: role`);
    const plain = replacing(`new ${version}`);
    t.equal(await outcome(guarded, version, Import, plain), 'Success', `${version}: nothing is replaced`);
    denied.clear();
    guarded.sender = { rights: [{}] };
    const ticketed = await outcome(guarded, version, Import, replacing(id));
    guarded.sender = {};
    t.equal(ticketed, 'PermissionDenied', `${version}: Rights name operations only`);
    t.same(await attributesOf(guarded, id), before, `${version}: nothing has changed`);
    t.equal(await outcome(guarded, version, Import, replacing(id)), 'Success', `${version}: both`);
  }
});

t.test('Import replaces an Active object only in the conformance test mode', async (t) => {
  const lenient = await TestService.open({ interop: true });
  t.teardown(() => lenient.close());
  for (const version of versionsOf(Import)) {
    const id = await storedKey(lenient, active);
    t.equal(await outcome(lenient, version, Import, replacing(id)), 'Success', version);
    const archived = await storedKey(lenient, active);
    await succeed(lenient, version, Archive, { UniqueIdentifier: archived });
    t.equal(await outcome(lenient, version, Import, replacing(archived)), 'ObjectArchived', version);
  }
});
