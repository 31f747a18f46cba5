import t from 'tap';
import { parseTokenUri } from '../../../src/token/token-uri.ts';
import { VaultUnavailableError } from '../../../src/vault/vault.ts';

const library = '?module-path=/usr/lib/vendor.so';

t.test('a URI names token, key, library and PIN', async (t) => {
  const text =
    'pkcs11:token=kmipd;manufacturer=A%20B;model=M;serial=0123;slot-id=42;object=root%3bkey;id=%01%ff;type=secret-key' +
    '?module-path=/usr/lib/vendor.so&pin-source=file:/etc/kmipd/pin&kmipd-environment=SOFTHSM2_CONF,HOME';
  t.same(parseTokenUri(text, '/'), {
    text,
    token: 'kmipd',
    manufacturer: 'A B',
    model: 'M',
    serial: '0123',
    slotId: 42,
    object: 'root;key',
    id: Uint8Array.of(1, 255),
    type: 'secret-key',
    modulePath: '/usr/lib/vendor.so',
    pinSource: { kind: 'file', path: '/etc/kmipd/pin' },
    environment: ['SOFTHSM2_CONF', 'HOME'],
  });
});

t.test('a URI may have a library alone, and no case in its scheme', async (t) => {
  t.same(parseTokenUri(`PKCS11:${library}`, '/'), {
    text: `PKCS11:${library}`,
    modulePath: '/usr/lib/vendor.so',
    environment: [],
  });
});

t.test('percent-encoding stands for exactly its byte', async (t) => {
  const decode = (object: string) => parseTokenUri(`pkcs11:object=${object}${library}`, '/').object;
  t.equal(decode('%c3%A4'), 'ä');
  t.equal(decode('a+b'), 'a+b', 'a plus is no blank');
  t.equal(decode('%2541'), '%41', 'decoded once');
  t.equal(decode('a=b&c'), 'a=b&c');
});

t.test('relative paths begin at the directory given', async (t) => {
  const uri = parseTokenUri('pkcs11:?module-path=lib/v.so&pin-source=file:pin', '/etc/kmipd');
  t.match(uri, { modulePath: '/etc/kmipd/lib/v.so', pinSource: { path: '/etc/kmipd/pin' } });
});

t.test('the PIN comes from a file or a credential', async (t) => {
  const source = (text: string) => parseTokenUri(`pkcs11:${library}&pin-source=${text}`, '/').pinSource;
  t.same(source('file:///etc/pin'), { kind: 'file', path: '/etc/pin' });
  t.same(source('file:/etc/a%20b'), { kind: 'file', path: '/etc/a b' });
  t.same(source('credential:hsm.pin'), { kind: 'credential', name: 'hsm.pin' });
});

const refused: readonly [string, RegExp][] = [
  ['file:root.key', /does not begin with pkcs11:/],
  ['pkcs11:token=kmipd', /names no library; add \?module-path=FILE/],
  [`pkcs11:token=a${library}&pin-value=1234`, /pin-value would put the PIN into/],
  [`pkcs11:pin-value=1234${library}`, /pin-value would put the PIN into/],
  [`pkcs11:token=a?module-name=vendor`, /module-name leaves open which file is loaded/],
  [`pkcs11:token=a;colour=red${library}`, /does not know colour there; it knows token,/],
  [`pkcs11:slot-description=a${library}`, /does not know slot-description/],
  [`pkcs11:module-path=/a${library}`, /does not know module-path there/],
  [`pkcs11:token=a${library}&object=b`, /does not know object there; it knows module-path/],
  [`pkcs11:token=a;token=b${library}`, /has token twice/],
  [`pkcs11:token${library}`, /parts are NAME=VALUE, with ;/],
  [`pkcs11:token=a;${library}`, /parts are NAME=VALUE/],
  [`pkcs11:token=a b${library}`, /characters that must be written as %XX/],
  [`pkcs11:token=a/b${library}`, /characters that must be written as %XX/],
  [`pkcs11:token=%4${library}`, /characters that must be written as %XX/],
  [`pkcs11:token=%zz${library}`, /characters that must be written as %XX/],
  [`pkcs11:token=${library}`, /the value of token is empty/],
  [`pkcs11:token=${'a'.repeat(33)}${library}`, /token has more than 32 bytes/],
  [`pkcs11:token=%ff${library}`, /is not UTF-8/],
  [`pkcs11:token=a%00b${library}`, /control characters/],
  ['pkcs11:?module-path=/usr/lib%00/x', /control characters/],
  ['pkcs11:?module-path=/usr/lib/', /names a directory/],
  [`pkcs11:slot-id=0x1${library}`, /slot-id must be a decimal number/],
  [`pkcs11:type=cert${library}`, /type must be secret-key or private/],
  [`pkcs11:${library}&pin-source=|/usr/bin/pin`, /names a program; kmipd runs none/],
  [`pkcs11:${library}&pin-source=1234`, /must be file:FILE or credential:NAME/],
  [`pkcs11:${library}&pin-source=file://host/pin`, /must be file:FILE or credential:NAME/],
  [`pkcs11:${library}&pin-source=credential:../pin`, /must be file:FILE or credential:NAME/],
  [`pkcs11:${library}&kmipd-environment=A%20B`, /names of variables with commas/],
  [`pkcs11:${library}&kmipd-environment=NODE_OPTIONS`, /may not have NODE_OPTIONS/],
  [`pkcs11:${library}&kmipd-environment=LD_PRELOAD`, /may not have LD_PRELOAD/],
  [`pkcs11:token=a${library}${'x'.repeat(1_024)}`, /more than 1024 characters/],
];

t.test('a URI that kmipd cannot use is refused in one line that quotes no value', async (t) => {
  for (const [text, message] of refused) {
    t.throws(() => parseTokenUri(text, '/'), { constructor: VaultUnavailableError, message }, text);
    try {
      parseTokenUri(text, '/');
    } catch (error) {
      t.notMatch((error as Error).message, /1234|\n/);
    }
  }
});
