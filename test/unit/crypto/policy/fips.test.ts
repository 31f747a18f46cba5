import { getFips, hash } from 'node:crypto';
import t from 'tap';
import { enterFips } from '../../../../src/crypto/policy/fips.ts';

// The Node of the tests comes without OpenSSL's FIPS provider, unless whoever runs them has configured one.
t.test('entering FIPS mode without a provider returns a message and changes nothing', (t) => {
  const missing = enterFips();
  if (missing === undefined) {
    t.equal(getFips(), 1);
    t.throws(() => hash('md5', ''));
  } else {
    t.match(missing, /OpenSSL has no FIPS provider: .*OPENSSL_MODULES.*fips\.so.*OPENSSL_CONF/);
    t.equal(getFips(), 0);
    t.ok(hash('md5', ''), 'OpenSSL works as before');
  }
  t.end();
});
