import t from 'tap';
import { ResultReason } from '../../../codec/enums.ts';
import { versions } from '../../../codec/version.ts';
import { KmipError, type Reason, reasonFor } from '../../../src/common/errors.ts';

/** Without a word in every version: those that no handler gives, and those of operations and fields of 2.x alone. */
const unspoken: readonly Reason[] = [
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

t.test('every version is told a reason that its own table lists, and a fitting one', async (t) => {
  for (const reason of ResultReason.members) {
    for (const version of versions) {
      const told = reasonFor(new KmipError(reason, 'x'), version);
      t.ok(ResultReason.isKnownIn(told, version), `${reason} in ${version}: ${told}`);
      const fits = told !== 'GeneralFailure' || reason === 'GeneralFailure' || unspoken.includes(reason);
      t.ok(fits, `${reason} has no word in ${version}: name one in errors.ts`);
      for (const classic of ResultReason.members) {
        const older = reasonFor(new KmipError(reason, 'x', classic), version);
        if (!ResultReason.isKnownIn(older, version)) t.fail(`${classic} in ${version}: ${older}`);
      }
    }
  }
});

t.test('a message is cut where a client chose its words', async (t) => {
  t.equal(new KmipError('InvalidField', 'short').message, 'short');
  t.equal(new KmipError('InvalidField', 'x'.repeat(256)).message.length, 256);
  const { message } = new KmipError('AttributeNotFound', `the object has no x-${'y'.repeat(100_000)}`);
  t.equal(message.length, 256);
  t.ok(message.endsWith('y…'));
  const split = new KmipError('AttributeNotFound', `${'x'.repeat(254)}${'\u{1f511}'.repeat(9)}`).message;
  t.ok(split.isWellFormed(), 'no character is cut in two');
});
