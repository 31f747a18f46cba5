import t from 'tap';
import { CryptographicUsageMask } from '../../../codec/masks.ts';
import { encodeManagedObject } from '../../../codec/structures/managed-objects.ts';
import { applySet } from '../../../src/object/attribute-rules.ts';
import {
  addProvenance,
  isClosed,
  type Provenance,
  replacedProvenance,
  splitProvenance,
  unknownProvenance,
} from '../../../src/object/provenance.ts';
import { PlainVault } from '../../plain-vault.ts';
import { aesKey, now, reload, symmetricKey } from './fixtures.ts';

const births = ['registered', 'imported', 'unwrapped', 'made', 'derived', 'joined', 'split'] as const;
const showings = ['never', 'wrapped', 'clear'] as const;
const bit = CryptographicUsageMask.bit;
const wrapping = bit('WrapKey') | bit('UnwrapKey');

/** Provenance of a key that no client knows. */
const closed: Provenance = { born: 'made', shown: 'never', masks: wrapping, alwaysSensitive: true };
const everyMask = -1;
const part: NonNullable<Provenance['share']> = {
  ...{ type: 'SymmetricKey', method: 'XOR', parts: 255, threshold: 255, part: 255, polynomial: 283 },
  ...{ format: 'Raw', algorithm: 'AES', bits: 256, bytes: 32, mask: 12 },
};

t.test('every provenance is the same after its encoding', async (t) => {
  const value = encodeManagedObject(symmetricKey());
  for (const born of births)
    for (const shown of showings)
      for (const alwaysSensitive of [true, false])
        for (const masks of [0, wrapping, everyMask])
          for (const madeWith of [undefined, 'k1', 'ü'.repeat(127)])
            for (const share of [undefined, part, { ...part, source: 'k1', prime: 'fb'.repeat(264) }]) {
              const given: Provenance = {
                ...{ born, shown, alwaysSensitive, masks },
                ...(madeWith && { madeWith }),
                ...(share && { share }),
              };
              const back = splitProvenance(addProvenance(given, value));
              t.same(back.provenance, given);
              t.same(back.value, value);
            }
});

t.test('a provenance that could not be read again is not encoded', async (t) => {
  const value = encodeManagedObject(symmetricKey());
  for (const member of ['madeWith', 'next', 'replaces', 'copyOf'] as const) {
    const long = { ...closed, [member]: 'k'.repeat(60_000) };
    t.same(splitProvenance(addProvenance(long, value)), { provenance: long, value }, member);
    t.throws(() => addProvenance({ ...closed, [member]: 'k'.repeat(65_536) }, value), RangeError, member);
  }
});

t.test('a value that an older kmipd stored has an unknown provenance, which is open', async (t) => {
  const value = encodeManagedObject(symmetricKey());
  t.same(splitProvenance(value), {
    provenance: { born: 'registered', shown: 'clear', masks: 0, alwaysSensitive: false },
    value,
  });
});

t.test('a key is closed only when all of its history is', async (t) => {
  t.ok(isClosed(closed));
  t.ok(isClosed({ ...closed, shown: 'wrapped' }));
  t.notOk(isClosed({ ...closed, shown: 'clear' }));
  t.notOk(isClosed({ ...closed, alwaysSensitive: false }));
  for (const born of births) t.equal(isClosed({ ...closed, born }), born === 'made', born);
  for (const name of CryptographicUsageMask.members) {
    const allowed = ['WrapKey', 'UnwrapKey', 'Export'].includes(name);
    t.equal(isClosed({ ...closed, masks: wrapping | bit(name) }), allowed, name);
  }
  t.notOk(isClosed({ ...closed, masks: wrapping | (1 << 31) }), 'a bit that KMIP does not define');
});

t.test('an object keeps its provenance through store, clone and attributes', async (t) => {
  const vault = new PlainVault();
  const sensitive = aesKey([
    { name: 'Sensitive', value: true },
    { name: 'CryptographicUsageMask', value: wrapping },
  ]);
  t.same(sensitive.provenance, closed);
  const before = reload(sensitive, vault);
  t.same(before.provenance, closed);
  const stored = before.clone();
  t.same(stored.provenance, closed);
  stored.recordShown('wrapped');
  t.ok(stored.changed, 'the provenance alone is a change');
  const again = reload(stored, vault, before);
  t.same(again.provenance, { ...closed, shown: 'wrapped' });
  again.recordShown('never');
  again.recordShown('wrapped');
  t.notOk(again.changed, 'leaving as before changes nothing');
});

t.test('Sensitive that was false once is not always true, whatever becomes of it', async (t) => {
  const key = aesKey([{ name: 'Sensitive', value: true }]);
  applySet(key, { name: 'Sensitive', value: false }, now);
  applySet(key, { name: 'Sensitive', value: true }, now);
  t.equal(key.provenance.alwaysSensitive, false);
});

t.test('a replaced value has the uses of both, and nothing else of the old value', async (t) => {
  const next: Provenance = { born: 'imported', shown: 'clear', masks: 4, alwaysSensitive: true };
  t.same(replacedProvenance({ ...closed, alwaysSensitive: false, madeWith: 'k1' }, next), {
    ...next,
    madeWith: undefined,
    masks: wrapping | 4,
    alwaysSensitive: false,
  });
});

t.test('a destroyed object has no provenance', async (t) => {
  const key = reload(aesKey(), new PlainVault());
  key.destroy(now);
  key.recordShown('clear');
  t.equal(key.value, undefined);
  t.equal(key.provenance, unknownProvenance);
});
