import t from 'tap';
import { KmipError } from '../../src/errors.ts';

t.test('a message is cut where a client chose its words', async (t) => {
  t.equal(new KmipError('InvalidField', 'short').message, 'short');
  t.equal(new KmipError('InvalidField', 'x'.repeat(256)).message.length, 256);
  const { message } = new KmipError('AttributeNotFound', `the object has no x-${'y'.repeat(100_000)}`);
  t.equal(message.length, 256);
  t.ok(message.endsWith('y…'));
  const split = new KmipError('AttributeNotFound', `${'x'.repeat(254)}${'\u{1f511}'.repeat(9)}`).message;
  t.ok(split.isWellFormed(), 'no character is cut in two');
});
