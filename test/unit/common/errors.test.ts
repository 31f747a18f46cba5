import t from 'tap';
import { ResultReason } from '../../../codec/enums.ts';
import { versions } from '../../../codec/version.ts';
import { KmipError, type Reason, reasonFor } from '../../../src/common/errors.ts';

/**
 * Reasons without an equivalent in every version: no handler uses them, or only operations and fields of 2.x.
 */
const withoutEquivalent: readonly Reason[] = [
  'IllegalOperation',
  'IndexOutOfBounds',
  'IllegalObjectType',
  'InternalServerError',
  'MissingInitializationVector',
  'UnknownEnumeration',
  'UnknownTag',
  'PKCS_11CodecError',
  'PKCS_11InvalidFunction',
  'PKCS_11InvalidInterface',
  'PrivateProtectionStorageUnavailable',
  'PublicProtectionStorageUnavailable',
  'DuplicateProcessRequest',
];

t.test('reasonFor returns a reason that the version lists, and an equivalent one', async (t) => {
  for (const reason of ResultReason.members) {
    for (const version of versions) {
      const chosen = reasonFor(new KmipError(reason, 'x'), version);
      t.ok(ResultReason.isKnownIn(chosen, version), `${reason} in ${version}: ${chosen}`);
      const fits =
        chosen !== 'GeneralFailure' || reason === 'GeneralFailure' || withoutEquivalent.includes(reason);
      t.ok(fits, `${reason} has no equivalent in ${version}: add one to errors.ts`);
      for (const legacyReason of ResultReason.members) {
        const older = reasonFor(new KmipError(reason, 'x', legacyReason), version);
        if (!ResultReason.isKnownIn(older, version)) t.fail(`${legacyReason} in ${version}: ${older}`);
      }
    }
  }
});

t.test('a message is truncated at its maximum length', async (t) => {
  t.equal(new KmipError('InvalidField', 'short').message, 'short');
  t.equal(new KmipError('InvalidField', 'x'.repeat(256)).message.length, 256);
  const { message } = new KmipError('AttributeNotFound', `the object has no x-${'y'.repeat(100_000)}`);
  t.equal(message.length, 256);
  t.ok(message.endsWith('y…'));
  const split = new KmipError('AttributeNotFound', `${'x'.repeat(254)}${'\u{1f511}'.repeat(9)}`).message;
  t.ok(split.isWellFormed(), 'no character is cut in two');
});
