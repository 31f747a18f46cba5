import t from 'tap';
import { applyAdd, applyModify } from '../../../src/object/attribute-rules.ts';
import type { StateName } from '../../../src/object/state.ts';
import { aesKey, now, refusal } from './fixtures.ts';

const dates = ['ActivationDate', 'ProcessStartDate', 'ProtectStopDate', 'DeactivationDate'] as const;
type DateName = (typeof dates)[number];

/**
 * State and dates of the key relative to now, the changed date and its new value, the reason of a refusal.
 */
type Row = [
  state: StateName,
  has: Partial<Record<DateName, number>>,
  name: DateName,
  to: number,
  refused?: string,
];

const wrong = 'WrongKeyLifecycleState';
const rows: Row[] = [
  ['PreActive', { ActivationDate: 10 }, 'ActivationDate', 20],
  ['PreActive', { ActivationDate: 10 }, 'ActivationDate', 0],
  ['PreActive', {}, 'ActivationDate', -5],
  ['Active', { ActivationDate: -10 }, 'ActivationDate', 20, wrong],
  ['PreActive', { ActivationDate: -10 }, 'ActivationDate', 20, wrong],
  ['Deactivated', { ActivationDate: -10 }, 'ActivationDate', 20, wrong],
  ['PreActive', { ProcessStartDate: 10 }, 'ProcessStartDate', 20],
  ['Active', { ProcessStartDate: 10 }, 'ProcessStartDate', -20],
  ['Active', {}, 'ProcessStartDate', 20],
  ['Active', { ProcessStartDate: 0 }, 'ProcessStartDate', 20, wrong],
  ['Active', { ProcessStartDate: -1 }, 'ProcessStartDate', 20, wrong],
  ['Deactivated', { ProcessStartDate: 10 }, 'ProcessStartDate', 20, wrong],
  ['Compromised', {}, 'ProcessStartDate', 20, wrong],
  ['Active', { ProtectStopDate: 10 }, 'ProtectStopDate', 20],
  ['Active', { ProtectStopDate: -1 }, 'ProtectStopDate', 20, wrong],
  ['Destroyed', {}, 'ProtectStopDate', 20, wrong],
  ['PreActive', {}, 'DeactivationDate', 20],
  ['Active', { DeactivationDate: 10 }, 'DeactivationDate', -20],
  ['Deactivated', {}, 'DeactivationDate', 20, wrong],
  ['Active', { ActivationDate: -5, DeactivationDate: 0 }, 'DeactivationDate', 20, wrong],
  ['PreActive', { ActivationDate: 10 }, 'ProcessStartDate', 9, 'InvalidAttributeValue'],
  ['PreActive', { ActivationDate: 10 }, 'ProcessStartDate', 10],
  ['PreActive', { ProcessStartDate: 10 }, 'ActivationDate', 11, 'InvalidAttributeValue'],
  ['PreActive', { DeactivationDate: 10 }, 'ProtectStopDate', 11, 'InvalidAttributeValue'],
  ['PreActive', { DeactivationDate: 10 }, 'ProtectStopDate', 10],
  ['PreActive', { ProtectStopDate: 10 }, 'DeactivationDate', 9, 'InvalidAttributeValue'],
];

for (const [state, has, name, to, refused] of rows) {
  const what = `${state} with ${JSON.stringify(has)}: ${name} ${to}`;
  t.test(`a date changes only while the rules allow it: ${what}`, async (t) => {
    const key = aesKey();
    for (const [date, offset] of Object.entries(has)) key.attributes.set(date as DateName, now + offset);
    key.attributes.set('State', state);
    const attribute = { name, value: now + to };
    const act = () =>
      name in has ? applyModify(key, { era: '2.x' }, attribute, now) : applyAdd(key, attribute, now);
    t.equal(refusal(act), refused);
    const before = has[name];
    t.equal(
      key.attributes.get(name),
      refused === undefined ? now + to : before === undefined ? undefined : now + before,
    );
  });
}

t.test('a date that has passed takes effect at once', async (t) => {
  const key = aesKey([{ name: 'ActivationDate', value: now + 100 }]);
  applyModify(key, { era: '1.x' }, { name: 'ActivationDate', value: now }, now);
  t.equal(key.attributes.get('State'), 'Active');
  applyAdd(key, { name: 'DeactivationDate', value: now + 1 }, now + 2);
  t.equal(key.attributes.get('State'), 'Deactivated');
});
