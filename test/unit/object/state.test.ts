import t from 'tap';
import type { RevocationReasonCode } from '../../../codec/enums.ts';
import { AttributeSet } from '../../../src/object/attribute-set.ts';
import type { ManagedObject } from '../../../src/object/managed-object.ts';
import { archive, recover, type StateName, stateAt } from '../../../src/object/state.ts';
import { aesKey, now, refusals, registered } from './fixtures.ts';

const states: readonly StateName[] = [
  'PreActive',
  'Active',
  'Deactivated',
  'Compromised',
  'Destroyed',
  'DestroyedCompromised',
];

/** Creates a key and moves it to that state. */
function keyThatIs(state: StateName): ManagedObject {
  const key = aesKey();
  const before = now - 100;
  const steps: Record<StateName, (() => void)[]> = {
    PreActive: [],
    Active: [() => key.activate(before)],
    Deactivated: [
      () => key.activate(before),
      () => key.revoke({ RevocationReasonCode: 'Superseded' }, undefined, before),
    ],
    Compromised: [() => key.revoke({ RevocationReasonCode: 'KeyCompromise' }, undefined, before)],
    Destroyed: [() => key.destroy(before)],
    DestroyedCompromised: [
      () => key.revoke({ RevocationReasonCode: 'KeyCompromise' }, undefined, before),
      () => key.destroy(before),
    ],
  };
  for (const step of steps[state]) step();
  return key;
}

type Outcome = StateName | 'WrongKeyLifecycleState' | 'ObjectDestroyed';
const no = 'WrongKeyLifecycleState';
const gone = 'ObjectDestroyed';

/** Outcome of each transition (KMIP 2.1 §4.57), one column for each of `states`. */
const table: Record<string, { act: (key: ManagedObject) => void; outcomes: Outcome[] }> = {
  Activate: { act: (key) => key.activate(now), outcomes: ['Active', no, no, no, no, no] },
  'Revoke as superseded': { act: revoke('Superseded'), outcomes: [no, 'Deactivated', no, no, no, no] },
  'Revoke for no reason': { act: revoke('Unspecified'), outcomes: [no, 'Deactivated', no, no, no, no] },
  'Revoke as compromised': {
    act: revoke('KeyCompromise'),
    outcomes: ['Compromised', 'Compromised', 'Compromised', no, 'DestroyedCompromised', no],
  },
  'Revoke for a compromised authority': {
    act: revoke('CACompromise'),
    outcomes: ['Compromised', 'Compromised', 'Compromised', no, 'DestroyedCompromised', no],
  },
  Destroy: {
    act: (key) => key.destroy(now),
    outcomes: ['Destroyed', no, 'Destroyed', 'DestroyedCompromised', gone, gone],
  },
};

function revoke(RevocationReasonCode: RevocationReasonCode): (key: ManagedObject) => void {
  return (key) => key.revoke({ RevocationReasonCode }, undefined, now);
}

const inEachVersion: Record<string, (string | undefined)[]> = {
  [no]: ['PermissionDenied', 'PermissionDenied', 'WrongKeyLifecycleState'],
  [gone]: ['PermissionDenied', 'ObjectDestroyed', 'ObjectDestroyed'],
};

for (const [transition, { act, outcomes }] of Object.entries(table)) {
  t.test(`${transition} is allowed from the states of the specification only`, async (t) => {
    for (const [column, state] of states.entries()) {
      const outcome = outcomes[column] as Outcome;
      const key = keyThatIs(state);
      t.equal(key.state(now), state, `the key is ${state}`);
      const refused = refusals(() => act(key.clone()));
      const allowed = [undefined, undefined, undefined];
      t.same(refused, inEachVersion[outcome] ?? allowed, `${state}: refusal in 1.4, 2.0, 2.1`);
      if (inEachVersion[outcome] === undefined) {
        act(key);
        t.equal(key.state(now), outcome, `${state} → ${outcome}`);
        t.equal(key.attributes.get('State'), outcome, 'is stored');
        t.equal(key.attributes.get('LastChangeDate'), now);
      }
    }
  });
}

t.test('transitions set the dates and reasons of the specification', async (t) => {
  const key = aesKey();
  key.activate(now + 10);
  t.equal(key.attributes.get('ActivationDate'), now + 10);
  const compromised = key.clone();
  compromised.revoke({ RevocationReasonCode: 'KeyCompromise', RevocationMessage: 'lost' }, now + 5, now + 20);
  t.equal(compromised.attributes.get('CompromiseDate'), now + 20);
  t.equal(compromised.attributes.get('CompromiseOccurrenceDate'), now + 5);
  t.same(compromised.attributes.get('RevocationReason'), {
    RevocationReasonCode: 'KeyCompromise',
    RevocationMessage: 'lost',
  });
  t.notOk(compromised.attributes.has('DeactivationDate'));
  const unknown = key.clone();
  unknown.revoke({ RevocationReasonCode: 'KeyCompromise' }, undefined, now + 20);
  t.equal(
    unknown.attributes.get('CompromiseOccurrenceDate'),
    now,
    'the Initial Date without an occurrence date',
  );
  key.revoke({ RevocationReasonCode: 'CessationOfOperation' }, now + 5, now + 20);
  t.equal(key.attributes.get('DeactivationDate'), now + 20);
  t.notOk(key.attributes.has('CompromiseOccurrenceDate'));
  key.destroy(now + 30);
  t.equal(key.attributes.get('DestroyDate'), now + 30);
  t.equal(key.value, undefined);
  t.ok(key.attributes.has('Digest') || key.attributes.has('CryptographicAlgorithm'), 'attributes stay');
});

t.test('revoke refuses a reason code outside the specification', async (t) => {
  const key = keyThatIs('Active');
  t.same(
    refusals(() => key.revoke({ RevocationReasonCode: 99 }, undefined, now)),
    ['InvalidField', 'InvalidField', 'InvalidField'],
  );
});

/** Stored state, Activation Date, Deactivation Date relative to now; undefined: none. */
const byDate: [
  stored: StateName,
  activation: number | undefined,
  deactivation: number | undefined,
  state: StateName,
][] = [
  ['PreActive', undefined, undefined, 'PreActive'],
  ['PreActive', 1, undefined, 'PreActive'],
  ['PreActive', 0, undefined, 'Active'],
  ['PreActive', -1, undefined, 'Active'],
  ['PreActive', -2, 1, 'Active'],
  ['PreActive', -2, 0, 'Deactivated'],
  ['PreActive', -2, -1, 'Deactivated'],
  ['PreActive', undefined, -1, 'PreActive'],
  ['PreActive', 1, -1, 'PreActive'],
  ['Active', -1, undefined, 'Active'],
  ['Active', -1, 1, 'Active'],
  ['Active', -1, 0, 'Deactivated'],
  ['Active', 1, undefined, 'Active'],
  ['Deactivated', 1, 1, 'Deactivated'],
  ['Deactivated', -2, 1, 'Deactivated'],
  ['Compromised', -2, -1, 'Compromised'],
  ['Destroyed', -2, 1, 'Destroyed'],
  ['DestroyedCompromised', -2, -1, 'DestroyedCompromised'],
];

t.test('stateAt returns the state that dates have brought about', async (t) => {
  for (const [stored, activation, deactivation, state] of byDate) {
    const attributes = new AttributeSet([{ name: 'State', value: stored }]);
    if (activation !== undefined) attributes.add({ name: 'ActivationDate', value: now + activation });
    if (deactivation !== undefined) attributes.add({ name: 'DeactivationDate', value: now + deactivation });
    t.equal(stateAt(attributes, now), state, `${stored}, ${activation}, ${deactivation}`);
  }
});

t.test('transitions start from the state by date', async (t) => {
  const due = aesKey([{ name: 'ActivationDate', value: now + 10 }]);
  t.same(
    refusals(() => due.clone().activate(now + 10)),
    inEachVersion[no],
    'is Active already',
  );
  due.activate(now + 5);
  t.equal(due.attributes.get('ActivationDate'), now + 5, 'earlier than planned');
  const expiring = aesKey([
    { name: 'ActivationDate', value: now - 10 },
    { name: 'DeactivationDate', value: now + 10 },
  ]);
  t.same(
    refusals(() => expiring.clone().destroy(now + 9)),
    inEachVersion[no],
  );
  expiring.destroy(now + 10);
  t.equal(expiring.state(now + 10), 'Destroyed');
});

t.test('a clock that runs backward does not re-activate an object', async (t) => {
  const key = aesKey([
    { name: 'ActivationDate', value: now },
    { name: 'DeactivationDate', value: now + 10 },
  ]);
  key.touch(now + 10);
  t.equal(key.state(now + 10), 'Deactivated');
  t.equal(key.state(now + 1), 'Deactivated');
});

t.test('an object is archived and recovered', async (t) => {
  const key = keyThatIs('Active');
  archive(key.attributes, now + 1);
  t.ok(key.archived);
  t.same(
    refusals(() => archive(key.attributes, now)),
    ['ObjectArchived', 'ObjectArchived', 'ObjectArchived'],
  );
  recover(key.attributes, now + 2);
  t.notOk(key.archived);
  t.equal(key.attributes.get('LastChangeDate'), now + 2);
  recover(key.attributes, now + 3);
  t.equal(key.attributes.get('LastChangeDate'), now + 2, 'no change without an archive');
});

t.test('a Template without a state can be destroyed and not activated', async (t) => {
  const template = registered('Template');
  const noState = ['IllegalOperation', 'InvalidObjectType', 'InvalidObjectType'];
  t.notOk(template.attributes.has('State'));
  t.same(
    refusals(() => template.activate(now)),
    noState,
  );
  t.same(
    refusals(() => template.revoke({ RevocationReasonCode: 'Superseded' }, undefined, now)),
    noState,
  );
  template.destroy(now);
  t.ok(template.destroyed);
});
