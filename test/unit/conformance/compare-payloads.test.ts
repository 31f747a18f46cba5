import t from 'tap';
import {
  activate,
  activated,
  all,
  ask,
  at,
  attribute,
  attributes1x,
  bytes,
  compare,
  date,
  digest,
  enumerated,
  generated,
  got,
  key,
  name1x,
  now,
  plain,
  privateKey,
  type Rule,
  success,
  testRules,
  text,
  uid,
} from './answers.ts';

const rules: readonly Rule[] = [
  {
    rule: 'payload: nothing missing',
    request: activate,
    expected: activated,
    good: plain,
    bad: success('Activate'),
    path: 'BatchItem[1]/ResponsePayload/UniqueIdentifier',
  },
  {
    rule: 'payload: nothing extra',
    request: ask('Register'),
    expected: success('Register', uid('$UNIQUE_IDENTIFIER_0')),
    good: success('Register', uid('a')),
    bad: success('Register', uid('a') + enumerated('ObjectType', 'SymmetricKey')),
    path: 'BatchItem[1]/ResponsePayload/ObjectType',
  },
  {
    rule: 'payload: fields in their order',
    request: ask('Create'),
    expected: success('Create', enumerated('ObjectType', 'SymmetricKey') + uid('$UNIQUE_IDENTIFIER_0')),
    good: success('Create', enumerated('ObjectType', 'SymmetricKey') + uid('a')),
    bad: success('Create', uid('a') + enumerated('ObjectType', 'SymmetricKey')),
    path: 'BatchItem[1]/ResponsePayload/UniqueIdentifier',
  },
  {
    rule: 'payload: the TemplateAttribute of 1.x is optional, other echoes are not',
    request: ask('Register'),
    expected: success('Register', uid('$UNIQUE_IDENTIFIER_0')),
    good: success('Register', `${uid('a')}<TemplateAttribute>${name1x('n')}</TemplateAttribute>`),
    bad: success('Register', uid('a') + name1x('n')),
    path: 'BatchItem[1]/ResponsePayload/Attribute(Name)',
  },
  {
    rule: 'payload: an empty one is there',
    request: ask('Locate'),
    expected: success('Locate'),
    good: success('Locate'),
    bad: success('Locate').replace('<ResponsePayload></ResponsePayload>', ''),
    path: 'BatchItem[1]/ResponsePayload',
  },
  {
    rule: 'dates: a recorded one stands for now or for what the client sent',
    request: all,
    expected: attributes1x(attribute('Activation Date', date('AttributeValue', '2012-04-27T08:12:24+00:00'))),
    options: { known: { instants: new Set([now - 7200]) } },
    good: attributes1x(attribute('Activation Date', date('AttributeValue', at(-7200)))),
    bad: attributes1x(attribute('Activation Date', date('AttributeValue', at(-9000)))),
    path: 'BatchItem[1]/ResponsePayload/Attribute(Activation Date)/AttributeValue',
  },
  {
    rule: 'key bytes: those of a registered key are exact',
    request: ask('Get', uid('a')),
    expected: success('Get', key('0011')),
    good: got('0011'),
    bad: got('0012'),
    path: 'BatchItem[1]/ResponsePayload/SymmetricKey/KeyBlock/KeyValue/KeyMaterial',
  },
  {
    rule: 'key bytes: those of a generated key have the length',
    request: ask('Get', uid('a')),
    expected: success('Get', key('0011')),
    options: { known: generated },
    good: got('ffee'),
    bad: got('ffeedd'),
    path: 'BatchItem[1]/ResponsePayload/SymmetricKey/KeyBlock/KeyValue/KeyMaterial',
  },
  {
    rule: 'key format: exact, unless the server chose it for a key pair',
    request: ask('Get', uid('a')),
    expected: success('Get', privateKey('PKCS_1')),
    good: success('Get', privateKey('PKCS_8')),
    goodOptions: { known: generated },
    bad: success('Get', privateKey('PKCS_8')),
    path: 'BatchItem[1]/ResponsePayload/PrivateKey/KeyBlock/KeyFormatType',
  },
  {
    rule: 'key format: the one asked for, even of a key pair the server made',
    request: ask('Get', uid('a') + enumerated('KeyFormatType', 'PKCS_1')),
    expected: success('Get', privateKey('PKCS_1')),
    options: { known: generated },
    good: success('Get', privateKey('PKCS_1')),
    bad: success('Get', privateKey('PKCS_8')),
    path: 'BatchItem[1]/ResponsePayload/PrivateKey/KeyBlock/KeyFormatType',
  },
  {
    rule: 'key format: that of a symmetric key is exact, whoever made it',
    request: ask('Get', uid('a')),
    expected: success('Get', key('0011')),
    options: { known: generated },
    good: got('0022'),
    bad: got('0022', 'Opaque'),
    path: 'BatchItem[1]/ResponsePayload/SymmetricKey/KeyBlock/KeyFormatType',
  },
  {
    rule: 'key value: no attributes beside the key',
    request: ask('Get', uid('a')),
    expected: success('Get', key('0011')),
    good: got('0011'),
    bad: got('0011').replace('</KeyValue>', `${name1x('n')}</KeyValue>`),
    path: 'BatchItem[1]/ResponsePayload/SymmetricKey/KeyBlock/KeyValue/Attribute(Name)',
  },
  {
    rule: 'digest: that of a registered key is exact, that of a generated one is not',
    request: all,
    expected: attributes1x(attribute('Digest', digest('00112233'))),
    good: attributes1x(attribute('Digest', digest('33221100'))),
    goodOptions: { known: generated },
    bad: attributes1x(attribute('Digest', digest('33221100'))),
    path: 'BatchItem[1]/ResponsePayload/Attribute(Digest)/AttributeValue/DigestValue',
  },
  {
    rule: 'key bytes: those of a generated key are the same each time',
    request: ask('Get', uid('a')),
    expected: success('Get', key('0011')),
    options: { known: { ...generated, replays: new Map([['0011', new Uint8Array([1, 2])]]) } },
    good: got('0102'),
    bad: got('0103'),
    path: 'BatchItem[1]/ResponsePayload/SymmetricKey/KeyBlock/KeyValue/KeyMaterial',
  },
  {
    rule: 'cryptography: output under a registered key is exact, under a generated one of the same length',
    request: ask('Encrypt', uid('a') + bytes('Data', '00')),
    expected: success('Encrypt', uid('$UNIQUE_IDENTIFIER_0') + bytes('Data', '0011')),
    good: success('Encrypt', uid('a') + bytes('Data', '1100')),
    goodOptions: { known: generated },
    bad: success('Encrypt', uid('a') + bytes('Data', '1100')),
    path: 'BatchItem[1]/ResponsePayload/Data',
  },
  {
    rule: 'cryptography: what a randomised key decrypts is exact all the same',
    request: ask('Decrypt', uid('a') + bytes('Data', '00')),
    expected: success('Decrypt', uid('$UNIQUE_IDENTIFIER_0') + bytes('Data', '0011')),
    options: { known: { randomised: new Set(['a']) } },
    good: success('Decrypt', uid('a') + bytes('Data', '0011')),
    bad: success('Decrypt', uid('a') + bytes('Data', '1100')),
    path: 'BatchItem[1]/ResponsePayload/Data',
  },
];

testRules(rules);

t.test('tokens are bound by the answer that shows them first', async (t) => {
  const verdict = compare(activate, activated, plain);
  t.equal(verdict.bindings.get('$UNIQUE_IDENTIFIER_0')?.value, 'a');
});

t.test('a failed match of attributes binds nothing', async (t) => {
  const link = (target: string, type: string) =>
    attribute(
      'Link',
      `<AttributeValue>${enumerated('LinkType', type)}${text('LinkedObjectIdentifier', target)}</AttributeValue>`,
    );
  const { differences, bindings } = compare(
    all,
    attributes1x(link('$UNIQUE_IDENTIFIER_1', 'PublicKeyLink')),
    attributes1x(link('b', 'PrivateKeyLink')),
  );
  t.equal(differences.length, 1);
  t.equal(bindings.size, 0);
});

t.test('bytes that the server drew are kept for later requests', async (t) => {
  const request = ask('Encrypt', uid('a') + bytes('Data', '00'));
  const { replays } = compare(
    request,
    success('Encrypt', uid('$UNIQUE_IDENTIFIER_0') + bytes('Data', '0011')),
    success('Encrypt', uid('a') + bytes('Data', 'aabb')),
    { known: generated },
  );
  t.same([...replays], [['0011', new Uint8Array([0xaa, 0xbb])]]);
});

t.test('differences never show a whole key', async (t) => {
  const material = '00112233445566778899aabbccddeeff';
  const { differences } = compare(
    ask('Get', uid('a')),
    success('Get', key(material)),
    got(material.replace('ff', 'fe')),
  );
  t.equal(differences.length, 1);
  t.notMatch(JSON.stringify(differences), material.slice(0, 16));
  t.match(differences[0]?.actual, 'different from byte 15');
});
