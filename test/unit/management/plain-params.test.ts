import t from 'tap';
import { withoutSecrets } from '../../../src/management/plain-params.ts';

t.test('a PIN is left out of every text', (t) => {
  const uris = {
    'pkcs11:token=t?pin-value=canary': 'pkcs11:token=t?pin-value=…',
    'pkcs11:token=t?PIN-Value=canary;2 x&module-path=/v.so': 'pkcs11:token=t?PIN-Value=…&module-path=/v.so',
    'pkcs11:pin%2Dvalue =canary&pin-value=canary': 'pkcs11:pin%2Dvalue =…&pin-value=…',
    'pkcs11:token=t?pin-source=file:/pin': 'pkcs11:token=t?pin-source=file:/pin',
  };
  for (const [uri, shown] of Object.entries(uris)) {
    t.strictSame(withoutSecrets({ uri }), { uri: shown });
    t.strictSame(withoutSecrets([{ deep: [uri] }]), [{ deep: [shown] }]);
  }
  t.end();
});

t.test('secret fields and certificates that cannot be read are not repeated', (t) => {
  t.strictSame(withoutSecrets({ password: 'canary', totp: { hash: 'SHA1', secret: 'canary' } }), {
    ...{ password: true, totp: { hash: 'SHA1', secret: true } },
  });
  t.strictSame(withoutSecrets({ certificate: 'text' }), {
    certificate: { subject: 'unreadable', fingerprint: '' },
  });
  t.end();
});
