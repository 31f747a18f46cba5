import t from 'tap';
import type { Attribute, AttributeReference } from '../../../codec/attribute.ts';
import type { AdjustmentType } from '../../../codec/enums.ts';
import type { TypedValue } from '../../../codec/wire/node.ts';
import { applyAdjust } from '../../../src/object/adjust.ts';
import { aesKey, now, refusal } from './fixtures.ts';

const x: AttributeReference = { vendor: 'x', name: 'N' };

function big(hex: string): TypedValue {
  return { type: 'BigInteger', value: Uint8Array.fromHex(hex) };
}

/** Value of x-N before, adjustment, value after or the reason of the refusal. */
const custom: [
  before: TypedValue | undefined,
  type: AdjustmentType,
  by: TypedValue | undefined,
  after: unknown,
][] = [
  [{ type: 'Integer', value: 5 }, 'Increment', undefined, { type: 'Integer', value: 6 }],
  [{ type: 'Integer', value: 5 }, 'Decrement', { type: 'Integer', value: 7 }, { type: 'Integer', value: -2 }],
  [{ type: 'Integer', value: 5 }, 'Negate', undefined, { type: 'Integer', value: -5 }],
  [{ type: 'Integer', value: 2 ** 31 - 1 }, 'Increment', undefined, 'NumericRange'],
  [{ type: 'Integer', value: -(2 ** 31) }, 'Negate', undefined, 'NumericRange'],
  [
    { type: 'LongInteger', value: 2n ** 62n },
    'Increment',
    { type: 'Integer', value: 1 },
    { type: 'LongInteger', value: 2n ** 62n + 1n },
  ],
  [{ type: 'LongInteger', value: 2n ** 63n - 1n }, 'Increment', undefined, 'NumericRange'],
  [{ type: 'Interval', value: 10 }, 'Decrement', { type: 'Interval', value: 11 }, 'NumericRange'],
  [
    { type: 'Interval', value: 10 },
    'Increment',
    { type: 'Interval', value: 11 },
    { type: 'Interval', value: 21 },
  ],
  [
    { type: 'DateTime', value: now },
    'Increment',
    { type: 'Interval', value: 60 },
    { type: 'DateTime', value: now + 60 },
  ],
  [{ type: 'DateTime', value: now }, 'Negate', undefined, 'InvalidDataType'],
  [{ type: 'DateTimeExtended', value: 5n }, 'Decrement', undefined, { type: 'DateTimeExtended', value: 4n }],
  [big('0000000000000005'), 'Decrement', { type: 'Integer', value: 6 }, big('ffffffffffffffff')],
  [big('7fffffffffffffff'), 'Increment', undefined, big('00000000000000008000000000000000')],
  [big('8000000000000000'), 'Increment', undefined, big('8000000000000001')],
  [big('8000000000000000'), 'Decrement', undefined, big('ffffffffffffffff7fffffffffffffff')],
  [big('8000000000000000'), 'Negate', undefined, big('00000000000000008000000000000000')],
  [big('0fffffffffffffff'), 'Increment', undefined, big('1000000000000000')],
  [big('0000000000000001'), 'Decrement', undefined, big('0000000000000000')],
  [big('0000000000000000'), 'Decrement', undefined, big('ffffffffffffffff')],
  [big(`01${'00'.repeat(1024 * 1024 - 1)}`), 'Negate', undefined, big(`ff${'00'.repeat(1024 * 1024 - 1)}`)],
  [{ type: 'Boolean', value: true }, 'Negate', undefined, { type: 'Boolean', value: false }],
  [{ type: 'Boolean', value: true }, 'Increment', undefined, 'InvalidDataType'],
  [{ type: 'TextString', value: 'a' }, 'Increment', undefined, 'InvalidDataType'],
  [{ type: 'Integer', value: 5 }, 'Increment', { type: 'TextString', value: 'a' }, 'InvalidDataType'],
  [{ type: 'Integer', value: 5 }, 9, undefined, 'InvalidField'],
  [undefined, 'Increment', undefined, { type: 'Integer', value: 1 }],
  [undefined, 'Increment', { type: 'LongInteger', value: 4n }, { type: 'LongInteger', value: 4n }],
  [undefined, 'Negate', undefined, 'AttributeNotFound'],
];

for (const [before, type, by, after] of custom) {
  const amount = by === undefined ? '' : `by ${by.type} ${by.value}`;
  t.test(
    `applyAdjust changes ${before?.type ?? 'an absent attribute'} ${String(before?.value ?? '').slice(0, 40)} by ${type} ${amount}`,
    async (t) => {
      const key = aesKey(before === undefined ? [] : [{ ...x, value: before } as Attribute]);
      const refused = refusal(() => applyAdjust(key, x, { type, value: by }, now));
      if (typeof after === 'string') t.equal(refused, after);
      else t.same([refused, key.attributes.all('x-N')[0]?.value], [undefined, after]);
    },
  );
}

t.test('applyAdjust changes standard attributes', async (t) => {
  const key = aesKey([{ name: 'ProtectionPeriod', value: 10 }]);
  applyAdjust(
    key,
    { name: 'ProtectionPeriod' },
    { type: 'Increment', value: { type: 'Interval', value: 5 } },
    now,
  );
  t.equal(key.attributes.get('ProtectionPeriod'), 15);
  applyAdjust(key, { name: 'Sensitive' }, { type: 'Negate' }, now);
  t.equal(key.attributes.get('Sensitive'), true);
  applyAdjust(key, { name: 'QuantumSafe' }, { type: 'Negate' }, now);
  t.equal(key.attributes.get('QuantumSafe'), true, 'absent counts as false');
  applyAdjust(
    key,
    { name: 'ActivationDate' },
    { type: 'Increment', value: { type: 'Integer', value: now } },
    now,
  );
  t.equal(key.attributes.get('State'), 'Active', 'a date takes effect at once');
});

/** Refusals on a key with two Names. */
const refused: [AttributeReference, string][] = [
  [{ name: 'CryptographicLength' }, 'ReadOnlyAttribute'],
  [{ name: 'LeaseTime' }, 'ReadOnlyAttribute'],
  [{ name: 'Fresh' }, 'ReadOnlyAttribute'],
  [{ name: 'Name' }, 'MultiValuedAttribute'],
  [{ name: 'Description' }, 'InvalidDataType'],
  [{ name: 'UsageLimits' }, 'InvalidDataType'],
  [{ vendor: '', name: 'Colour' }, 'InvalidAttribute'],
  [{ vendor: 'y', name: 'N' }, 'ReadOnlyAttribute'],
];

t.test(
  'applyAdjust refuses attributes that clients cannot change and values that are not numbers',
  async (t) => {
    const names = ['a', 'b'].map(
      (NameValue) => ({ name: 'Name', value: { NameValue, NameType: 'URI' } }) as const,
    );
    const key = aesKey([...names, { vendor: 'y', name: 'N', value: { type: 'Integer', value: 1 } }]);
    for (const [reference, reason] of refused) {
      t.equal(
        refusal(() => applyAdjust(key, reference, { type: 'Increment' }, now)),
        reason,
        reference.name,
      );
    }
  },
);
