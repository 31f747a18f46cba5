import t from 'tap';
import { type ComparisonResult, compareMessages } from '../../conformance/compare.ts';
import { type Knowledge, nothingKnown } from '../../conformance/knowledge.ts';
import { parseMessage, resolveExpectation } from '../../conformance/tokens.ts';

/** 2023-11-14T22:13:20Z. */
export const now = 1_700_000_000;
export const at = (offset: number) => new Date((now + offset) * 1000).toISOString();

export interface Options {
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
export function compare(
  request: string,
  expected: string,
  actual: string,
  options: Options = {},
): ComparisonResult {
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

export const ask = (operation: string, payload = '', id = '') =>
  `<BatchItem><Operation type="Enumeration" value="${operation}"/>${id}<RequestPayload>${payload}</RequestPayload></BatchItem>`;
export const success = (operation: string, payload = '', id = '') =>
  `<BatchItem><Operation type="Enumeration" value="${operation}"/>${id}<ResultStatus type="Enumeration" value="Success"/><ResponsePayload>${payload}</ResponsePayload></BatchItem>`;
export const failed = (
  operation: string,
  reason: string,
  rest = '<ResultMessage type="TextString" value="no"/>',
) =>
  `<BatchItem><Operation type="Enumeration" value="${operation}"/><ResultStatus type="Enumeration" value="OperationFailed"/><ResultReason type="Enumeration" value="${reason}"/>${rest}</BatchItem>`;
export const uid = (value: string) => `<UniqueIdentifier type="TextString" value="${value}"/>`;
export const text = (tag: string, value: string) => `<${tag} type="TextString" value="${value}"/>`;
export const enumerated = (tag: string, value: string) => `<${tag} type="Enumeration" value="${value}"/>`;
export const date = (tag: string, value: string) => `<${tag} type="DateTime" value="${value}"/>`;
export const bytes = (tag: string, value: string) => `<${tag} type="ByteString" value="${value}"/>`;
export const integer = (tag: string, value: number | string) => `<${tag} type="Integer" value="${value}"/>`;
export const attribute = (name: string, value: string) =>
  `<Attribute>${text('AttributeName', name)}${value}</Attribute>`;
export const custom = (name: string, value: string) => attribute(name, text('AttributeValue', value));
export const name1x = (value: string) =>
  attribute(
    'Name',
    `<AttributeValue>${text('NameValue', value)}${enumerated('NameType', 'URI')}</AttributeValue>`,
  );
export const key = (material: string, format = 'Raw') =>
  `${enumerated('ObjectType', 'SymmetricKey')}${uid('$UNIQUE_IDENTIFIER_0')}<SymmetricKey><KeyBlock>${enumerated('KeyFormatType', format)}<KeyValue>${bytes('KeyMaterial', material)}</KeyValue></KeyBlock></SymmetricKey>`;
export const got = (material: string, format = 'Raw') =>
  success('Get', key(material, format).replace('$UNIQUE_IDENTIFIER_0', 'a'));
export const privateKey = (format: string) =>
  `${enumerated('ObjectType', 'PrivateKey')}${uid('a')}<PrivateKey><KeyBlock>${enumerated('KeyFormatType', format)}<KeyValue>${bytes('KeyMaterial', '00')}</KeyValue></KeyBlock></PrivateKey>`;
export const digest = (value: string) =>
  `<AttributeValue>${enumerated('HashingAlgorithm', 'SHA_256')}${bytes('DigestValue', value)}${enumerated('KeyFormatType', 'Raw')}</AttributeValue>`;
export const bound = { $UNIQUE_IDENTIFIER_0: 'a' };
export const generated = { generated: new Set(['a']) };

/** A rule with an answer that keeps it and one that breaks it. */
export interface Rule {
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

export const activate = ask('Activate', uid('a'));
export const activated = success('Activate', uid('$UNIQUE_IDENTIFIER_0'));
export const plain = success('Activate', uid('a'));
export const all = ask('GetAttributes', uid('a'));
export const state = (value: string) => attribute('State', enumerated('AttributeValue', value));
export const attributes1x = (...list: string[]) => success('GetAttributes', uid('a') + list.join(''));
export const attributes2x = (...list: string[]) =>
  success('GetAttributes', `${uid('a')}<Attributes>${list.join('')}</Attributes>`);
export const query = ask('Query', enumerated('QueryFunction', 'QueryOperations'));
export const operations = (...names: string[]) => names.map((each) => enumerated('Operation', each)).join('');
export const list = (...names: string[]) =>
  success('GetAttributeList', uid('a') + names.map((each) => text('AttributeName', each)).join(''));
export const versionField = (minor: number) =>
  `<ProtocolVersion>${integer('ProtocolVersionMajor', 1)}${integer('ProtocolVersionMinor', minor)}</ProtocolVersion>`;
export const id = (value: string) => bytes('UniqueBatchItemID', value);
export const tooNew = attribute('Sensitive', '<AttributeValue type="Boolean" value="true"/>');

/** Tests every rule both ways. */
export function testRules(rules: readonly Rule[]): void {
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
}
