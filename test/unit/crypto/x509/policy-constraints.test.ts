import t from 'tap';
import type { NamingPolicy } from '../../../../src/common/certification-rules.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import { validateNames } from '../../../../src/crypto/x509/name-constraints.ts';

/** Naming policies as Name Constraints, for programs that verify without the server. */

const { encodeName, encodeAlternativeName, encodeNameConstraints } = nodeCrypto.certification;
const policy: NamingPolicy = {
  domains: ['kmip.example'],
  hosts: ['www.other.example', '*.apps.example'],
  networks: ['10.16.0.0/12', '2001:db8::/32'],
  alternativeNames: ['dns', 'ip', 'email', 'uri'],
  otherNames: [],
  commonName: 'any',
  subordinates: true,
};
const subject = await encodeName({ text: 'CN=x y' });
const judge = async (text: string, ...policies: NamingPolicy[]) =>
  validateNames(await encodeNameConstraints(policies), {
    subject,
    alternativeNames: [await encodeAlternativeName(text)],
  });

const texts: readonly (readonly [text: string, kind: string, isPermitted: boolean])[] = [
  ['kmip.example', 'dns', true],
  ['a.kmip.example', 'dns', true],
  ['notkmip.example', 'dns', false],
  ['www.other.example', 'dns', true],
  ['other.example', 'dns', false],
  ['a.apps.example', 'dns', true],
  ['evil.example', 'dns', false],
  ['10.16.0.0', 'ip', true],
  ['10.31.255.255', 'ip', true],
  ['10.32.0.0', 'ip', false],
  ['2001:db8:1::1', 'ip', true],
  ['2001:db9::1', 'ip', false],
  ['a@kmip.example', 'email', true],
  ['a@b.kmip.example', 'email', true],
  ['a@evil.example', 'email', false],
  ['https://kmip.example/', 'uri', true],
  ['https://b.kmip.example/x', 'uri', true],
  ['https://evil.example/', 'uri', false],
];

t.test('Name Constraints permit what the policy allows, by kind', async (t) => {
  for (const [text, kind, isPermitted] of texts) {
    t.equal(await judge(text, policy), isPermitted ? 'Valid' : 'Invalid', text);
    const alternativeNames = policy.alternativeNames.filter((each) => each !== kind);
    t.equal(await judge(text, { ...policy, alternativeNames }), 'Invalid', `${text} without its kind`);
    const empty = { ...policy, domains: [], hosts: [], networks: [] };
    t.equal(await judge(text, empty), 'Invalid', `${text} without lists`);
  }
});

t.test('Name Constraints of several policies that agree are those of one', async (t) => {
  const one = await encodeNameConstraints([policy]);
  t.same(await encodeNameConstraints([policy, { ...policy }, { ...policy }]), one);
});

t.test('Name Constraints of several policies permit what all of them allow', async (t) => {
  const wide: NamingPolicy = { ...policy, domains: ['example'], hosts: [], networks: ['10.0.0.0/8', '::/0'] };
  const narrow: NamingPolicy = {
    ...policy,
    domains: ['a.kmip.example'],
    hosts: [],
    networks: ['10.17.0.0/16'],
    alternativeNames: ['dns', 'ip'],
  };
  for (const [text, withWide, withNarrow] of [
    ['a.kmip.example', 'Valid', 'Valid'],
    ['b.kmip.example', 'Valid', 'Invalid'],
    ['evil.example', 'Invalid', 'Invalid'],
    ['10.17.1.1', 'Valid', 'Valid'],
    ['10.16.0.1', 'Valid', 'Invalid'],
    ['10.1.0.1', 'Invalid', 'Invalid'],
    ['2001:db8::1', 'Valid', 'Invalid'],
    ['a@a.kmip.example', 'Valid', 'Invalid'],
  ] as const) {
    for (const [other, expected] of [
      [wide, withWide],
      [narrow, withNarrow],
    ] as const) {
      t.equal(await judge(text, policy, other), expected, text);
      t.equal(await judge(text, other, policy), expected, `${text}, in the other order`);
    }
  }
});
