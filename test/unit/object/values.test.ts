import fc from 'fast-check';
import t from 'tap';
import { isSameValue, valueKey } from '../../../src/object/values.ts';

const leaf = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, true, 0, 1, 1n, '', '1', '1n', 'x01', '{}', '[]', 'a:1,b:2'),
  fc.uint8Array({ maxLength: 2 }),
);
const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc.array(
      tie('any').filter((each) => each !== undefined),
      { maxLength: 3 },
    ),
    fc.dictionary(fc.constantFrom('a', 'b', 'a:1'), tie('any')),
  ),
})).any;

t.test('values have one key when they are equal', (t) => {
  let equal = 0;
  fc.assert(
    fc.property(value, value, (a, b) => {
      const isSame = isSameValue({ value: a }, { value: b });
      if (isSame) equal++;
      return (valueKey(a) === valueKey(b)) === isSame && valueKey(a) === valueKey(structuredClone(a));
    }),
    { numRuns: 20_000 },
  );
  t.ok(equal > 100, `${equal} pairs are equal`);
  t.equal(valueKey({ a: 1, b: undefined, c: 2 }), valueKey({ c: 2, a: 1 }), 'whatever the order');
  t.end();
});
