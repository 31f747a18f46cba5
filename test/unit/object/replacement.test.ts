import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import { linkedId, linkPair, setLink } from '../../../src/object/links.ts';
import { applyReplacement, replacementAttributes } from '../../../src/object/replacement.ts';
import { aesKey, custom, name, now, refusals } from './fixtures.ts';

const later = now + 1_000;

t.test('a replacement inherits attributes of the client and none of the old lifecycle', async (t) => {
  const old = aesKey(
    [
      name('a'),
      custom('Site', 'Basel'),
      { name: 'ObjectGroup', value: 'g' },
      { name: 'OperationPolicyName', value: 'default' },
      { name: 'CryptographicUsageMask', value: 4 },
      { name: 'ActivationDate', value: now },
      { name: 'UsageLimits', value: { UsageLimitsTotal: 10n, UsageLimitsUnit: 'Byte' } },
    ],
    { randomNumberGenerator: { RNGAlgorithm: 'DRBG' } },
  );
  old.attributes.set('UsageLimits', { UsageLimitsTotal: 10n, UsageLimitsCount: 1n, UsageLimitsUnit: 'Byte' });
  old.attributes.set('Fresh', false);
  setLink(old, 'ParentLink', 'p', now);
  old.revoke({ RevocationReasonCode: 'KeyCompromise' }, undefined, now);
  const attributes = replacementAttributes(old, [{ name: 'ObjectGroup', value: 'h' }], undefined, later);
  const fresh = aesKey(attributes, { id: 'k2', now: later, operation: 'ReKey' });
  t.equal(fresh.state(later), 'Active', 'dates are copied');
  t.same(fresh.attributes.values('ObjectGroup'), ['g', 'h']);
  t.equal(fresh.attributes.get('OperationPolicyName'), 'default');
  t.equal(fresh.attributes.get('CryptographicUsageMask'), 4);
  t.equal(fresh.attributes.get('UsageLimits')?.UsageLimitsCount, 10n, 'the full limits');
  t.equal(fresh.attributes.get('Fresh'), true);
  t.equal(fresh.attributes.get('InitialDate'), later);
  t.equal(fresh.attributes.get('OriginalCreationDate'), later);
  t.ok(fresh.attributes.has('x-Site'));
  for (const absent of ['Name', 'Link', 'CompromiseDate', 'RevocationReason', 'RandomNumberGenerator']) {
    t.notOk(fresh.attributes.has(absent), absent);
  }
});

t.test('applyReplacement moves Names and links both objects as in TC-REKEY-1', async (t) => {
  const old = aesKey([name('a'), name('b')]);
  const fresh = aesKey([name('c'), name('a')], { id: 'k2' });
  applyReplacement(old, fresh, later);
  t.same(
    fresh.attributes.values('Name').map(({ NameValue }) => NameValue),
    ['a', 'b', 'c'],
  );
  t.notOk(old.attributes.has('Name'));
  t.equal(linkedId(old, 'ReplacementObjectLink'), 'k2');
  t.equal(linkedId(fresh, 'ReplacedObjectLink'), 'k1');
  t.equal(old.attributes.get('LastChangeDate'), later);
});

t.test('an offset shifts the dates of the replacement', async (t) => {
  const old = aesKey([
    { name: 'ActivationDate', value: now + 10 },
    { name: 'ProcessStartDate', value: now + 20 },
    { name: 'ProtectStopDate', value: now + 30 },
    { name: 'DeactivationDate', value: now + 40 },
  ]);
  const attributes = replacementAttributes(old, [], 50, later);
  const fresh = aesKey(attributes, { id: 'k2', now: later, operation: 'ReKey' });
  const dates = ['ActivationDate', 'ProcessStartDate', 'ProtectStopDate', 'DeactivationDate'] as const;
  t.same(
    dates.map((date) => (fresh.attributes.get(date) ?? 0) - later),
    [50, 60, 70, 80],
  );
  t.equal(fresh.state(later), 'PreActive');
  const bare = replacementAttributes(aesKey(), [], 0, later);
  t.equal(
    aesKey(bare, { now: later, operation: 'ReKey' }).state(later),
    'Active',
    'an offset alone sets the date',
  );
});

t.test('a date that means never is not shifted', async (t) => {
  const old = aesKey([
    { name: 'ActivationDate', value: now },
    { name: 'DeactivationDate', value: Number.MAX_SAFE_INTEGER },
  ]);
  const attributes = replacementAttributes(old, [], 50, later);
  const { value } = attributes.find(({ name }) => name === 'DeactivationDate') ?? {};
  t.equal(value, Number.MAX_SAFE_INTEGER);
});

t.test('an offset is refused beside dates and without an Activation Date', async (t) => {
  const explicit: Attribute[] = [{ name: 'ActivationDate', value: later }];
  t.same(
    refusals(() => replacementAttributes(aesKey(), explicit, 5, later)),
    ['InvalidMessage', 'InvalidMessage', 'InvalidMessage'],
  );
  const undated = aesKey([{ name: 'DeactivationDate', value: now + 40 }]);
  t.same(
    refusals(() => replacementAttributes(undated, [], 5, later)),
    ['IllegalOperation', 'InvalidField', 'InvalidField'],
  );
});

t.test('setLink keeps one link of each type', async (t) => {
  const [a, b] = [aesKey([], { id: 'a' }), aesKey([], { id: 'b' })];
  linkPair(a, b, now);
  t.same([linkedId(a, 'PublicKeyLink'), linkedId(b, 'PrivateKeyLink')], ['b', 'a']);
  setLink(a, 'PublicKeyLink', 'c', now);
  t.equal(a.attributes.all('Link').length, 1, 'one link of a type');
  setLink(a, 'ParentLink', 'd', now);
  t.equal(a.attributes.all('Link').length, 2);
  t.equal(linkedId(a, 'ChildLink'), undefined);
});
