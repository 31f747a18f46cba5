import t from 'tap';
import { formatAddress, parseAddress } from '../../../src/common/address.ts';
import { closestMatch } from '../../../src/common/suggest.ts';
import { redactStoreUrl } from '../../../src/config/values.ts';

t.test('an address is parsed and formatted without change', (t) => {
  for (const text of ['127.0.0.1:5696', '[::1]:0', 'kms.example.com:65535']) {
    const address = parseAddress(text);
    t.equal(address && formatAddress(address), text);
  }
  for (const text of ['', ':1', 'a', 'a:', 'a:b', 'a:123456', 'a:65536', '::1:1', '[]:1', 'a b:1', 'a:1:2']) {
    t.equal(parseAddress(text), undefined, text);
  }
  t.end();
});

t.test('the URL of a store in messages contains no password', (t) => {
  t.equal(redactStoreUrl('sqlite:/var/lib/kmipd/kmipd.db'), 'sqlite:/var/lib/kmipd/kmipd.db');
  t.equal(redactStoreUrl('postgres://u@h/d'), 'postgres://u@h/d');
  t.equal(redactStoreUrl('postgresql://u:p%40ss@h:5432/d'), 'postgresql://u:***@h:5432/d');
  t.notMatch(redactStoreUrl('postgres://u:p@ss/word@h/d'), /word/);
  t.notMatch(redactStoreUrl('postgres://h/d?user=u&password=secret&x=1'), /secret/);
  t.end();
});

t.test('nearest returns the most similar name when one is similar enough', (t) => {
  t.equal(closestMatch('lisen', ['listen', 'store']), 'listen');
  t.equal(closestMatch('Listen', ['listen']), 'listen');
  t.equal(closestMatch('colour', ['listen', 'store']), undefined);
  t.equal(closestMatch('x', []), undefined);
  t.end();
});
