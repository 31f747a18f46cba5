import t from 'tap';
import type { NamingPolicy } from '../../../../src/common/certification-rules.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';

/** The names that a naming policy allows, of every kind and spelling. */

const { encodeName, encodeAlternativeName, findNamingProblem } = nodeCrypto.certification;
const policy: NamingPolicy = {
  domains: ['kmip.example', 'xn--bcher-kva.example'],
  hosts: ['www.other.example', '*.apps.example'],
  networks: ['10.1.0.0/16', '2001:db8::/32'],
  alternativeNames: ['dns', 'ip', 'email', 'uri'],
  otherNames: ['1.2.3.4'],
  commonName: 'any',
  subordinates: false,
};

const latin1 = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const tagged = (tag: number, content: Uint8Array) => Uint8Array.from([tag, content.length, ...content]);
const otherName = (oid: string) => tagged(0xa0, Uint8Array.fromHex(`${oid}a0020500`));
const subject = await encodeName({ text: 'CN=x y' });

const problemOf = (content: Partial<Parameters<typeof findNamingProblem>[0]>, ...policies: NamingPolicy[]) =>
  findNamingProblem({ subject, alternativeNames: [], authority: false, ...content }, policies);

/** Names as text, with whether the policy allows them. */
const texts: readonly (readonly [text: string, isAllowed: boolean])[] = [
  ['kmip.example', true],
  ['a.kmip.example', true],
  ['A.b.KMIP.Example', true],
  ['notkmip.example', false],
  ['kmip.example.evil.example', false],
  ['example', false],
  ['*.kmip.example', false],
  ['www.other.example', true],
  ['a.www.other.example', false],
  ['other.example', false],
  ['*.apps.example', true],
  ['a.apps.example', false],
  ['*.a.apps.example', false],
  ['xn--bcher-kva.example', true],
  ['a.XN--BCHER-KVA.example', true],
  ['10.1.2.3', true],
  ['10.2.0.1', false],
  ['2001:db8:1::1', true],
  ['2001:db9::1', false],
  ['a@kmip.example', true],
  ['a@sub.kmip.example', true],
  ['a@evil.example', false],
  ['https://a.kmip.example/x', true],
  ['https://a.kmip.example:8443', true],
  ['https://10.1.0.1/', true],
  ['https://10.2.0.1/', false],
  ['https://[2001:db8::1]:1/', true],
  ['https://[2001:db9::1]/', false],
  ['https://evil.example/a.kmip.example', false],
  ['https://a.kmip.example@evil.example/', false],
  ['https://evil.example@a.kmip.example/', false],
  ['https://evil.example#.kmip.example', false],
  ['https://evil.example?.kmip.example', false],
];

t.test('a policy judges host names, addresses, mailboxes and URIs by its lists', async (t) => {
  for (const [text, isAllowed] of texts) {
    const name = await encodeAlternativeName(text);
    t.equal(problemOf({ alternativeNames: [name] }, policy) === undefined, isAllowed, text);
    t.equal(problemOf({ alternativeNames: [name] }), undefined, `${text} without a policy`);
  }
});

t.test('a policy judges names that clients encode themselves', async (t) => {
  for (const [what, name, isAllowed] of [
    ['a host with the dot of the root', tagged(0x82, latin1('a.kmip.example.')), true],
    ['an empty label', tagged(0x82, latin1('.kmip.example')), false],
    ['two dots', tagged(0x82, latin1('a..kmip.example')), false],
    ['a wildcard inside a label', tagged(0x82, latin1('a*.kmip.example')), false],
    ['a wildcard below', tagged(0x82, latin1('a.*.kmip.example')), false],
    ['a lone wildcard', tagged(0x82, latin1('*')), false],
    ['an address as a host', tagged(0x82, latin1('10.1.0.1')), false],
    ['a backslash before the host', tagged(0x86, latin1('https://evil.example\\@kmip.example/')), false],
    ['a URI without a host', tagged(0x86, latin1('urn:kmip.example')), false],
    ['a SIP address', tagged(0x86, latin1('sip:a@kmip.example')), false],
    ['a mailbox without a local part', tagged(0x81, latin1('@kmip.example')), false],
    ['a host alone as mailbox', tagged(0x81, latin1('kmip.example')), false],
    ['a mailbox with two signs', tagged(0x81, latin1('a@evil.example@kmip.example')), false],
    ['an IPv4 address in IPv6', tagged(0x87, Uint8Array.fromHex('00000000000000000000ffff0a020001')), false],
    ['a directory name', tagged(0xa4, subject), false],
    ['an otherName that is listed', otherName('06032a0304'), true],
    ['an otherName of another type', otherName('06032a0305'), false],
    ['X.400', tagged(0xa3, new Uint8Array(0)), false],
    ['a registered identifier', tagged(0x88, Uint8Array.of(0x2a, 3)), false],
  ] as const)
    t.equal(problemOf({ alternativeNames: [name] }, policy) === undefined, isAllowed, what);
  t.match(problemOf({ alternativeNames: [otherName('06032a0304')] }), /otherName/, 'without a policy');
  const directories: NamingPolicy = { ...policy, alternativeNames: ['directory'] };
  t.equal(problemOf({ alternativeNames: [tagged(0xa4, subject)] }, directories), undefined);
  t.match(
    problemOf({ alternativeNames: [await encodeAlternativeName('kmip.example')] }, directories),
    /kind/,
  );
});

t.test('a policy judges Common Names that look like hosts, and e-mail addresses', async (t) => {
  const hosts: NamingPolicy = { ...policy, commonName: 'hosts' };
  for (const [text, isAllowed, isAllowedAsHost = isAllowed] of [
    ['Storage 7', true, false],
    ['a storage client', true, false],
    ['Version 1.2 of x', true, false],
    ['a.kmip.example', true],
    ['10.1.0.1', true],
    ['a@kmip.example', true, true],
    ['bücher.example', true],
    ['B\u00dcCHER\u3002example', true],
    ['a.evil.example', false],
    [' a.evil.example ', false],
    ['a\u3002evil\uff0eexample', false],
    ['10.2.0.1', false],
    ['2001:db9::1', false],
    ['*', false],
    ['*.kmip.example', false],
    ['a@evil.example', false],
    ['a\uff20evil.example', false],
    ['\ufe61', false],
    ['a.evil.example\u00a0x', false],
    ['a.evil.example\u3000x', false],
    ...['\u2024', '\ufe52', '\uff0e', '\uff61', '\ufe12', '\u2025', '\u2488'].map(
      (dot) => [`a${dot}evil${dot}example`, false] as const,
    ),
    ['a\u2024kmip\ufe52example', true],
    // Conversion to ASCII ends a name at some characters, and leaves out or decodes others.
    ...['/', '?', '#', '\\', '%2f', ':', '\uff0f', '\uff05'].flatMap((mark) =>
      ['b\u00fccher', 'b\u00fccher.evil.example'].map(
        (rest) => [`b\u00fccher.example${mark}${rest}.`, false] as const,
      ),
    ),
    ['b.b\u00fccher%2eexample', false],
    ['*.apps.example/\u00fc.', false],
    ['a@kmip.example/\u00fc', false],
  ] as const) {
    const named = await encodeName({ parts: [['CN', text]] });
    t.equal(problemOf({ subject: named }, policy) === undefined, isAllowed, JSON.stringify(text));
    t.equal(problemOf({ subject: named }, hosts) === undefined, isAllowedAsHost, `${text} as host`);
    t.equal(
      problemOf({ subject: named, authority: true }, hosts) === undefined,
      isAllowed,
      `${text} of a CA`,
    );
  }
  for (const text of ['client', 'localhost', '2130706433', '0x7f000001', 'b\u00fccher', '\uff11\uff12']) {
    const named = await encodeName({ parts: [['CN', text]] });
    for (const each of [policy, hosts])
      t.match(problemOf({ subject: named }, each), /Common Name/, `${text}: a label alone`);
    t.equal(problemOf({ subject: named, authority: true }, policy), undefined, `${text} of a CA`);
  }
  for (const [text, isAllowed] of [
    ['a@kmip.example', true],
    ['a@evil.example', false],
    ['x', false],
  ] as const) {
    const mailbox = await encodeName({ parts: [['Email', text]] });
    t.equal(problemOf({ subject: mailbox }, policy) === undefined, isAllowed, text);
  }
  const several = await encodeName({
    parts: [
      ['CN', 'a.kmip.example'],
      ['CN', 'a.evil.example'],
    ],
  });
  t.match(problemOf({ subject: several }, policy), /Common Name/, 'every Common Name counts');
});

t.test('every policy above binds', async (t) => {
  const wide: NamingPolicy = { ...policy, domains: ['example'] };
  const name = await encodeAlternativeName('a.evil.example');
  t.equal(problemOf({ alternativeNames: [name] }, wide), undefined);
  for (const policies of [
    [wide, policy],
    [policy, wide],
  ])
    t.match(problemOf({ alternativeNames: [name] }, ...policies), /outside/);
});
