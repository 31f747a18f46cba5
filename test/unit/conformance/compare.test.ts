import t from 'tap';
import { compareMessages, type Verdict } from '../../conformance/compare.ts';
import { type Knowledge, nothingKnown } from '../../conformance/knowledge.ts';
import { parseMessage, resolveExpectation } from '../../conformance/tokens.ts';

/** 2023-11-14T22:13:20Z. */
const now = 1_700_000_000;
const at = (offset: number) => new Date((now + offset) * 1000).toISOString();

interface Options {
  readonly version?: string;
  readonly known?: Partial<Knowledge>;
  readonly ordered?: boolean;
  readonly requestHeader?: string;
  readonly expectedHeader?: string;
  readonly actualHeader?: string;
  readonly stamp?: string;
  readonly count?: number;
  readonly bound?: Readonly<Record<string, string>>;
}

function protocol(version: string): string {
  const [major, minor] = version.split('.');
  return `<ProtocolVersion><ProtocolVersionMajor type="Integer" value="${major}"/><ProtocolVersionMinor type="Integer" value="${minor}"/></ProtocolVersion>`;
}

function countOf(items: string): number {
  return items.match(/<BatchItem>/g)?.length ?? 0;
}

/** Compares answers given by their batch items. */
function compare(request: string, expected: string, actual: string, options: Options = {}): Verdict {
  const version = protocol(options.version ?? '1.4');
  const stamp = options.stamp ?? `<TimeStamp type="DateTime" value="${at(0)}"/>`;
  const bindings = Object.entries(options.bound ?? {}).map(
    ([token, value]) => [token, { tag: 0x420094, type: 'TextString', value }] as const,
  );
  return compareMessages(
    resolveExpectation(
      `<ResponseMessage><ResponseHeader>${version}<TimeStamp type="DateTime" value="$NOW"/>${options.expectedHeader ?? ''}<BatchCount type="Integer" value="${countOf(expected)}"/></ResponseHeader>${expected}</ResponseMessage>`,
      now,
    ),
    parseMessage(
      `<ResponseMessage><ResponseHeader>${version}${stamp}${options.actualHeader ?? ''}<BatchCount type="Integer" value="${options.count ?? countOf(actual)}"/></ResponseHeader>${actual}</ResponseMessage>`,
    ),
    {
      request: parseMessage(
        `<RequestMessage><RequestHeader>${version}${options.requestHeader ?? ''}<BatchCount type="Integer" value="${countOf(request)}"/></RequestHeader>${request}</RequestMessage>`,
      ),
      now,
      bindings: new Map(bindings),
      known: { ...nothingKnown, ...options.known },
      ordered: options.ordered ?? false,
    },
  );
}

const ask = (operation: string, payload = '', id = '') =>
  `<BatchItem><Operation type="Enumeration" value="${operation}"/>${id}<RequestPayload>${payload}</RequestPayload></BatchItem>`;
const success = (operation: string, payload = '', id = '') =>
  `<BatchItem><Operation type="Enumeration" value="${operation}"/>${id}<ResultStatus type="Enumeration" value="Success"/><ResponsePayload>${payload}</ResponsePayload></BatchItem>`;
const failed = (operation: string, reason: string, rest = '<ResultMessage type="TextString" value="no"/>') =>
  `<BatchItem><Operation type="Enumeration" value="${operation}"/><ResultStatus type="Enumeration" value="OperationFailed"/><ResultReason type="Enumeration" value="${reason}"/>${rest}</BatchItem>`;
const uid = (value: string) => `<UniqueIdentifier type="TextString" value="${value}"/>`;
const text = (tag: string, value: string) => `<${tag} type="TextString" value="${value}"/>`;
const enumerated = (tag: string, value: string) => `<${tag} type="Enumeration" value="${value}"/>`;
const date = (tag: string, value: string) => `<${tag} type="DateTime" value="${value}"/>`;
const bytes = (tag: string, value: string) => `<${tag} type="ByteString" value="${value}"/>`;
const integer = (tag: string, value: number | string) => `<${tag} type="Integer" value="${value}"/>`;
const attribute = (name: string, value: string) =>
  `<Attribute>${text('AttributeName', name)}${value}</Attribute>`;
const custom = (name: string, value: string) => attribute(name, text('AttributeValue', value));
const name1x = (value: string) =>
  attribute(
    'Name',
    `<AttributeValue>${text('NameValue', value)}${enumerated('NameType', 'URI')}</AttributeValue>`,
  );
const key = (material: string, format = 'Raw') =>
  `${enumerated('ObjectType', 'SymmetricKey')}${uid('$UNIQUE_IDENTIFIER_0')}<SymmetricKey><KeyBlock>${enumerated('KeyFormatType', format)}<KeyValue>${bytes('KeyMaterial', material)}</KeyValue></KeyBlock></SymmetricKey>`;
const got = (material: string, format = 'Raw') =>
  success('Get', key(material, format).replace('$UNIQUE_IDENTIFIER_0', 'a'));
const privateKey = (format: string) =>
  `${enumerated('ObjectType', 'PrivateKey')}${uid('a')}<PrivateKey><KeyBlock>${enumerated('KeyFormatType', format)}<KeyValue>${bytes('KeyMaterial', '00')}</KeyValue></KeyBlock></PrivateKey>`;
const digest = (value: string) =>
  `<AttributeValue>${enumerated('HashingAlgorithm', 'SHA_256')}${bytes('DigestValue', value)}${enumerated('KeyFormatType', 'Raw')}</AttributeValue>`;
const bound = { $UNIQUE_IDENTIFIER_0: 'a' };
const generated = { generated: new Set(['a']) };

interface Rule {
  readonly rule: string;
  readonly request?: string;
  readonly expected: string;
  /** An answer that keeps the rule. */
  readonly good: string;
  readonly goodOptions?: Options;
  /** An answer that breaks it, and the place that must be named. */
  readonly bad: string;
  readonly path: string;
  readonly badOptions?: Options;
  readonly options?: Options;
}

const activate = ask('Activate', uid('a'));
const activated = success('Activate', uid('$UNIQUE_IDENTIFIER_0'));
const plain = success('Activate', uid('a'));
const all = ask('GetAttributes', uid('a'));
const state = (value: string) => attribute('State', enumerated('AttributeValue', value));
const attributes1x = (...list: string[]) => success('GetAttributes', uid('a') + list.join(''));
const attributes2x = (...list: string[]) =>
  success('GetAttributes', `${uid('a')}<Attributes>${list.join('')}</Attributes>`);
const query = ask('Query', enumerated('QueryFunction', 'QueryOperations'));
const operations = (...names: string[]) => names.map((each) => enumerated('Operation', each)).join('');
const list = (...names: string[]) =>
  success('GetAttributeList', uid('a') + names.map((each) => text('AttributeName', each)).join(''));
const versionField = (minor: number) =>
  `<ProtocolVersion>${integer('ProtocolVersionMajor', 1)}${integer('ProtocolVersionMinor', minor)}</ProtocolVersion>`;
const id = (value: string) => bytes('UniqueBatchItemID', value);
const tooNew = attribute('Sensitive', '<AttributeValue type="Boolean" value="true"/>');

const rules: readonly Rule[] = [
  {
    rule: 'header: the time stamp is there and is now',
    request: activate,
    expected: activated,
    good: plain,
    bad: plain,
    badOptions: { stamp: `<TimeStamp type="DateTime" value="${at(-3600)}"/>` },
    path: 'ResponseHeader/TimeStamp',
  },
  {
    rule: 'header: an answer without a time stamp',
    request: activate,
    expected: activated,
    good: plain,
    bad: plain,
    badOptions: { stamp: '' },
    path: 'ResponseHeader/TimeStamp',
  },
  {
    rule: 'header: no Server Correlation Value, even where the case has one',
    request: activate,
    expected: activated,
    options: { expectedHeader: text('ServerCorrelationValue', 'x') },
    good: plain,
    bad: plain,
    badOptions: { actualHeader: text('ServerCorrelationValue', 'x') },
    path: 'ResponseHeader/ServerCorrelationValue',
  },
  {
    rule: 'header: the Client Correlation Value comes back',
    request: activate,
    expected: activated,
    options: { requestHeader: text('ClientCorrelationValue', 'step 1') },
    good: plain,
    goodOptions: { actualHeader: text('ClientCorrelationValue', 'step 1') },
    bad: plain,
    path: 'ResponseHeader/ClientCorrelationValue',
  },
  {
    rule: 'header: the batch count is the number of items',
    request: activate,
    expected: activated,
    good: plain,
    bad: plain,
    badOptions: { count: 2 },
    path: 'ResponseHeader/BatchCount',
  },
  {
    rule: 'batch: as many items as expected',
    request: activate,
    expected: activated,
    good: plain,
    bad: plain + plain,
    path: 'BatchItem',
  },
  {
    rule: 'item: the batch item id of the request',
    request: ask('Activate', uid('a'), id('01')),
    expected: success('Activate', uid('$UNIQUE_IDENTIFIER_0'), id('01')),
    good: success('Activate', uid('a'), id('01')),
    bad: success('Activate', uid('a'), id('02')),
    path: 'BatchItem[1]/UniqueBatchItemID',
  },
  {
    rule: 'item: the operation',
    request: activate,
    expected: activated,
    good: plain,
    bad: success('Destroy', uid('a')),
    path: 'BatchItem[1]/Operation',
  },
  {
    rule: 'item: the status',
    request: activate,
    expected: activated,
    good: plain,
    bad: failed('Activate', 'PermissionDenied'),
    path: 'BatchItem[1]/ResultStatus',
  },
  {
    rule: 'item: the reason; the message may be any',
    request: activate,
    expected: failed('Activate', 'PermissionDenied', text('ResultMessage', 'DENIED')),
    good: failed('Activate', 'PermissionDenied'),
    bad: failed('Activate', 'ItemNotFound'),
    path: 'BatchItem[1]/ResultReason',
  },
  {
    rule: 'item: a failure has a message',
    request: activate,
    expected: failed('Activate', 'PermissionDenied', ''),
    good: failed('Activate', 'PermissionDenied'),
    bad: failed('Activate', 'PermissionDenied', ''),
    path: 'BatchItem[1]/ResultMessage',
  },
  {
    rule: 'item: a failure has no payload',
    request: activate,
    expected: failed('Activate', 'PermissionDenied'),
    good: failed('Activate', 'PermissionDenied'),
    bad: failed('Activate', 'PermissionDenied', `${text('ResultMessage', 'no')}<ResponsePayload/>`),
    path: 'BatchItem[1]/ResponsePayload',
  },
  {
    rule: 'item: a success has no reason',
    request: activate,
    expected: activated,
    good: plain,
    bad: plain.replace(
      '<ResponsePayload>',
      `${enumerated('ResultReason', 'GeneralFailure')}<ResponsePayload>`,
    ),
    path: 'BatchItem[1]/ResultReason',
  },
  {
    rule: 'item: fields in their order',
    request: ask('Activate', uid('a'), id('01')),
    expected: success('Activate', uid('$UNIQUE_IDENTIFIER_0'), id('01')),
    good: success('Activate', uid('a'), id('01')),
    bad: plain.replace('<ResponsePayload>', `${id('01')}<ResponsePayload>`),
    path: 'BatchItem[1]/UniqueBatchItemID',
  },
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
    rule: 'token: bound before, it must be the same',
    request: activate,
    expected: activated,
    options: { bound },
    good: plain,
    bad: success('Activate', uid('b')),
    path: 'BatchItem[1]/ResponsePayload/UniqueIdentifier',
  },
  {
    rule: 'token: $NOW is within a minute',
    request: all,
    expected: attributes1x(attribute('Initial Date', date('AttributeValue', '$NOW-3600'))),
    good: attributes1x(attribute('Initial Date', date('AttributeValue', at(-3620)))),
    bad: attributes1x(attribute('Initial Date', date('AttributeValue', at(0)))),
    path: 'BatchItem[1]/ResponsePayload/Attribute(Initial Date)/AttributeValue',
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
    rule: 'masks: as integers, whatever the order of the words',
    request: all,
    expected: attributes1x(
      attribute('Cryptographic Usage Mask', integer('AttributeValue', 'Decrypt   Encrypt')),
    ),
    good: attributes1x(attribute('Cryptographic Usage Mask', integer('AttributeValue', 'Encrypt Decrypt'))),
    bad: attributes1x(attribute('Cryptographic Usage Mask', integer('AttributeValue', 'Encrypt'))),
    path: 'BatchItem[1]/ResponsePayload/Attribute(Cryptographic Usage Mask)/AttributeValue',
  },
  {
    rule: 'attributes 1.x: a multiset in any order',
    request: all,
    expected: attributes1x(name1x('one'), name1x('two'), state('Active')),
    good: attributes1x(state('Active'), name1x('two'), name1x('one')),
    bad: attributes1x(state('Active'), name1x('one'), name1x('one')),
    path: 'BatchItem[1]/ResponsePayload/Attribute(Name)/AttributeValue/NameValue',
  },
  {
    rule: 'attributes 1.x: index 0 may be left out, another may not',
    request: all,
    expected: attributes1x(name1x('one')),
    good: attributes1x(
      name1x('one').replace('<AttributeValue>', `${integer('AttributeIndex', 0)}<AttributeValue>`),
    ),
    bad: attributes1x(
      name1x('one').replace('<AttributeValue>', `${integer('AttributeIndex', 1)}<AttributeValue>`),
    ),
    path: 'BatchItem[1]/ResponsePayload/Attribute(Name)/AttributeIndex',
  },
  {
    rule: 'attributes: none missing',
    request: all,
    expected: attributes1x(state('Active'), name1x('one')),
    good: attributes1x(state('Active'), name1x('one')),
    bad: attributes1x(state('Active')),
    path: 'BatchItem[1]/ResponsePayload/Attribute(Name)',
  },
  {
    rule: 'attributes: an unsupported Lease Time may be missing, not be of another type',
    request: all,
    expected: attributes1x(attribute('Lease Time', '<AttributeValue type="Interval" value="3600"/>')),
    good: attributes1x(),
    bad: attributes1x(attribute('Lease Time', integer('AttributeValue', 3600))),
    path: 'BatchItem[1]/ResponsePayload/Attribute(Lease Time)/AttributeValue',
  },
  {
    rule: 'attributes: a Lease Time asked for by name is there, with any value',
    request: ask('GetAttributes', uid('a') + text('AttributeName', 'Lease Time')),
    expected: attributes1x(attribute('Lease Time', '<AttributeValue type="Interval" value="3600"/>')),
    good: attributes1x(attribute('Lease Time', '<AttributeValue type="Interval" value="60"/>')),
    bad: attributes1x(),
    path: 'BatchItem[1]/ResponsePayload/Attribute(Lease Time)',
  },
  {
    rule: 'attributes: others are welcome when all were asked for',
    request: all,
    expected: attributes1x(state('Active')),
    good: attributes1x(state('Active'), custom('x-a', '1')),
    bad: attributes1x(custom('x-a', '1')),
    path: 'BatchItem[1]/ResponsePayload/Attribute(State)',
  },
  {
    rule: 'attributes: no others when they were asked for by name',
    request: ask('GetAttributes', uid('a') + text('AttributeName', 'State')),
    expected: attributes1x(state('Active')),
    good: attributes1x(state('Active')),
    bad: attributes1x(state('Active'), custom('x-a', '1')),
    path: 'BatchItem[1]/ResponsePayload/Attribute(x-a)',
  },
  {
    rule: 'attributes 2.x: a multiset in any order',
    request: ask('GetAttributes', uid('a') + enumerated('AttributeReference', 'State')),
    expected: attributes2x(enumerated('State', 'Active'), enumerated('ObjectType', 'SymmetricKey')),
    options: { version: '2.1' },
    good: attributes2x(enumerated('ObjectType', 'SymmetricKey'), enumerated('State', 'Active')),
    bad: attributes2x(enumerated('ObjectType', 'SymmetricKey'), enumerated('State', 'PreActive')),
    path: 'BatchItem[1]/ResponsePayload/Attributes/State',
  },
  {
    rule: 'attributes 2.x: one Attributes structure, even empty',
    request: ask('GetAttributes', uid('a') + enumerated('AttributeReference', 'State')),
    expected: attributes2x(),
    options: { version: '2.1' },
    good: attributes2x(),
    bad: success('GetAttributes', uid('a')),
    path: 'BatchItem[1]/ResponsePayload/Attributes',
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
    rule: 'GetAttributeList: a superset, whatever the spaces',
    request: ask('GetAttributeList', uid('a')),
    expected: list('State', 'Object   Type', 'Lease Time'),
    good: list('Object Type', 'State', 'x-a'),
    bad: list('Object Type'),
    path: 'BatchItem[1]/ResponsePayload/AttributeName',
  },
  {
    rule: 'GetAttributeList: each name once',
    request: ask('GetAttributeList', uid('a')),
    expected: list('State'),
    good: list('State'),
    bad: list('State', 'State'),
    path: 'BatchItem[1]/ResponsePayload/AttributeName',
  },
  {
    rule: 'Locate: a set',
    request: ask('Locate'),
    expected: success('Locate', uid('$UNIQUE_IDENTIFIER_0') + uid('$UNIQUE_IDENTIFIER_1')),
    options: { bound: { $UNIQUE_IDENTIFIER_1: 'b' } },
    good: success('Locate', uid('b') + uid('a')),
    bad: success('Locate', uid('a') + uid('c')),
    path: 'BatchItem[1]/ResponsePayload/UniqueIdentifier',
  },
  {
    rule: 'Locate: nothing more than expected',
    request: ask('Locate'),
    expected: success('Locate', uid('$UNIQUE_IDENTIFIER_0')),
    good: success('Locate', uid('a')),
    bad: success('Locate', uid('a') + uid('b')),
    path: 'BatchItem[1]/ResponsePayload/UniqueIdentifier',
  },
  {
    rule: 'Locate: in order where the case has one',
    request: ask('Locate'),
    expected: success('Locate', uid('$UNIQUE_IDENTIFIER_0') + uid('$UNIQUE_IDENTIFIER_1')),
    options: { ordered: true, bound: { $UNIQUE_IDENTIFIER_0: 'a', $UNIQUE_IDENTIFIER_1: 'b' } },
    good: success('Locate', uid('a') + uid('b')),
    bad: success('Locate', uid('b') + uid('a')),
    path: 'BatchItem[1]/ResponsePayload/UniqueIdentifier',
  },
  {
    rule: 'Locate: the count is that of the matches',
    request: ask('Locate'),
    expected: success('Locate', uid('$UNIQUE_IDENTIFIER_0')),
    good: success('Locate', integer('LocatedItems', 1) + uid('a')),
    bad: success('Locate', integer('LocatedItems', 2) + uid('a')),
    path: 'BatchItem[1]/ResponsePayload/LocatedItems',
  },
  {
    rule: 'Query: what is expected, and more',
    request: query,
    expected: success('Query', operations('Get', 'Create')),
    good: success('Query', operations('Create', 'Destroy', 'Get')),
    bad: success('Query', operations('Get', 'Destroy')),
    path: 'BatchItem[1]/ResponsePayload/Operation(Create)',
  },
  {
    rule: 'Query: each operation once',
    request: query,
    expected: success('Query', operations('Get')),
    good: success('Query', operations('Get')),
    bad: success('Query', operations('Get', 'Get')),
    path: 'BatchItem[1]/ResponsePayload/Operation',
  },
  {
    rule: 'Query: kinds of fields in their order, values of the server’s own',
    request: query,
    expected: success('Query', operations('Get') + text('VendorIdentification', 'them')),
    good: success('Query', operations('Get') + text('VendorIdentification', 'us')),
    bad: success('Query', text('VendorIdentification', 'us') + operations('Get')),
    path: 'BatchItem[1]/ResponsePayload/VendorIdentification',
  },
  {
    rule: 'DiscoverVersions: exactly those in common when the client named some',
    request: ask('DiscoverVersions', versionField(2)),
    expected: success('DiscoverVersions', versionField(2)),
    good: success('DiscoverVersions', versionField(2)),
    bad: success('DiscoverVersions', versionField(2) + versionField(1)),
    path: 'BatchItem[1]/ResponsePayload/ProtocolVersion',
  },
  {
    rule: 'DiscoverVersions: at least those expected when it named none',
    request: ask('DiscoverVersions'),
    expected: success('DiscoverVersions', versionField(2)),
    good: success('DiscoverVersions', versionField(4) + versionField(2)),
    bad: success('DiscoverVersions', versionField(4)),
    path: 'BatchItem[1]/ResponsePayload/ProtocolVersion',
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
    rule: 'order: attributes stand where they are expected',
    request: all,
    expected: attributes1x(state('Active')),
    good: attributes1x(state('Active')),
    bad: success('GetAttributes', state('Active') + uid('a')),
    path: 'BatchItem[1]/ResponsePayload/Attribute',
  },
  {
    rule: 'once: a field of the item',
    request: activate,
    expected: activated,
    good: plain,
    bad: plain.replace('<ResponsePayload>', `${enumerated('ResultStatus', 'Success')}<ResponsePayload>`),
    path: 'BatchItem[1]/ResultStatus',
  },
  {
    rule: 'once: a field of the header',
    request: activate,
    expected: activated,
    good: plain,
    bad: plain,
    badOptions: { actualHeader: `<TimeStamp type="DateTime" value="${at(0)}"/>` },
    path: 'ResponseHeader/TimeStamp',
  },
  {
    rule: 'once: an attribute of which an object has but one',
    request: all,
    expected: attributes1x(name1x('one'), name1x('two')),
    good: attributes1x(name1x('one'), name1x('two'), state('Active')),
    bad: attributes1x(name1x('one'), name1x('two'), state('Active'), state('PreActive')),
    path: 'BatchItem[1]/ResponsePayload/Attribute(State)',
  },
  {
    rule: 'once: an attribute with the same value',
    request: all,
    expected: attributes1x(name1x('one')),
    good: attributes1x(name1x('one'), name1x('two')),
    bad: attributes1x(name1x('one'), name1x('one')),
    path: 'BatchItem[1]/ResponsePayload/Attribute(Name)',
  },
  {
    rule: 'types: those of the dictionary, in what nobody expected too',
    request: all,
    expected: attributes2x(),
    options: { version: '2.1' },
    good: attributes2x(integer('CryptographicLength', 128)),
    bad: attributes2x(enumerated('CryptographicLength', '0x00000080')),
    path: 'BatchItem[1]/ResponsePayload/Attributes/CryptographicLength',
  },
  {
    rule: 'types: those of the attribute, in a value that nobody expected too',
    request: all,
    expected: attributes1x(),
    good: attributes1x(state('Active')),
    bad: attributes1x(attribute('State', integer('AttributeValue', 2))),
    path: 'BatchItem[1]/ResponsePayload/Attribute(State)/AttributeValue',
  },
  {
    rule: 'words: no member outside the dictionary',
    request: query,
    expected: success('Query', operations('Get')),
    good: success('Query', operations('Get', 'Create')),
    bad: success('Query', operations('Get', '0x00007777')),
    path: 'BatchItem[1]/ResponsePayload/Operation',
  },
  {
    rule: 'words: no attribute name outside the dictionary',
    request: ask('GetAttributeList', uid('a')),
    expected: list('State'),
    good: list('State', 'y-Own'),
    bad: list('State', 'Own'),
    path: 'BatchItem[1]/ResponsePayload/AttributeName',
  },
  {
    rule: 'form: name before value',
    request: all,
    expected: attributes1x(state('Active')),
    good: attributes1x(state('Active'), custom('x-a', '1')),
    bad: attributes1x(
      state('Active'),
      `<Attribute>${text('AttributeValue', '1')}${text('AttributeName', 'x-a')}</Attribute>`,
    ),
    path: 'BatchItem[1]/ResponsePayload/Attribute(x-a)',
  },
  {
    rule: 'form: the fields of an attribute in their order, in what nobody expected too',
    request: all,
    expected: attributes1x(),
    good: attributes1x(name1x('one')),
    bad: attributes1x(
      attribute(
        'Name',
        `<AttributeValue>${enumerated('NameType', 'URI')}${text('NameValue', 'n')}</AttributeValue>`,
      ),
    ),
    path: 'BatchItem[1]/ResponsePayload/Attribute(Name)/AttributeValue',
  },
  {
    rule: 'version: no attribute newer than the client’s',
    request: all,
    expected: attributes1x(state('Active')),
    good: attributes1x(state('Active'), tooNew),
    bad: attributes1x(state('Active'), tooNew),
    badOptions: { version: '1.3' },
    path: 'BatchItem[1]/ResponsePayload/Attribute(Sensitive)/AttributeName',
  },
  {
    rule: 'version: no field newer than the client’s',
    request: ask('Locate'),
    expected: success('Locate', uid('$UNIQUE_IDENTIFIER_0')),
    good: success('Locate', integer('LocatedItems', 1) + uid('a')),
    bad: success('Locate', integer('LocatedItems', 1) + uid('a')),
    badOptions: { version: '1.2' },
    path: 'BatchItem[1]/ResponsePayload/LocatedItems',
  },
  {
    rule: 'version: no member of an enumeration newer than the client’s',
    request: query,
    expected: success('Query', operations('Get')),
    good: success('Query', operations('Get', 'Encrypt')),
    bad: success('Query', operations('Get', 'Encrypt')),
    badOptions: { version: '1.1' },
    path: 'BatchItem[1]/ResponsePayload/Operation',
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

for (const { rule, request = '', expected, good, bad, path, options, goodOptions, badOptions } of rules) {
  t.test(rule, async (t) => {
    t.same(
      compare(request, expected, good, { ...options, ...goodOptions }).differences,
      [],
      'an answer that keeps it',
    );
    const { differences } = compare(request, expected, bad, { ...options, ...badOptions });
    t.ok(
      differences.some((difference) => difference.path === path),
      `an answer that breaks it is found at ${path}: ${JSON.stringify(differences)}`,
    );
  });
}

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
