import t from 'tap';
import type { Node } from '../../codec/wire/node.ts';
import { fail } from '../../src/common/errors.ts';
import type { OperationName } from '../../src/operations/context.ts';
import { Create } from '../../src/operations/creation/create.ts';
import { CreateKeyPair } from '../../src/operations/creation/create-key-pair.ts';
import { CreateSplitKey } from '../../src/operations/creation/create-split-key.ts';
import { DeriveKey } from '../../src/operations/creation/derive-key.ts';
import { ReKey } from '../../src/operations/creation/re-key.ts';
import { operations } from '../../src/operations/index.ts';
import { type AnyOperation, conversation } from '../../src/operations/operation.ts';
import { Import } from '../../src/operations/transfer/import.ts';
import { Register } from '../../src/operations/transfer/register.ts';
import { bytes, enumerated, integer, item, type RequestItem, structure } from '../client.ts';
import { active, registerKey, withMask } from './keys.ts';
import { algorithm, having, length, payloadOf } from './operations/ask.ts';
import { outline, type ServiceOptions, TestService } from './service.ts';

// Work and memory that the length of a request does not show. Handlers are replaced, so that a test decides
// how many objects are found and how long the answers are, and counts the operations that run.

const answerLength = 200;
const fields = ['Data', 'MACData', 'SignatureData'] as const;
const outputFieldOf = ({ response }: AnyOperation) => fields.find((name) => name in response.fields);
const withOutput = [...operations.values()].filter((each) => outputFieldOf(each) !== undefined);

interface Probe {
  /** Operations that have run, other than Locate and RNG Retrieve. */
  runs: number;
  /** Bytes of each output of these. */
  length: number;
  /** Whether these fail. */
  fails: boolean;
}

async function openWith(limits: ServiceOptions['limits']) {
  const probe: Probe = { runs: 0, length: answerLength, fails: false };
  const replace = (name: string, handle: (request: never) => object): AnyOperation =>
    ({ ...operations.get(name as OperationName), target: conversation(), handle }) as never;
  const run = (name: string) =>
    replace(name, () => {
      probe.runs++;
      if (probe.fails) fail('IllegalOperation', 'as the test wants');
      const field = outputFieldOf(operations.get(name as OperationName) as AnyOperation);
      return { UniqueIdentifier: 'id', ...(field && { [field]: new Uint8Array(probe.length) }) };
    });
  const names = withOutput.map(({ name }) => name).filter((name) => name !== 'RNGRetrieve');
  const service = await TestService.open({
    ...(limits && { limits }),
    extra: [
      ...[...names, 'ReCertify'].map(run),
      replace('Validate', () => {
        probe.runs++;
        return { ValidityIndicator: 'Valid' };
      }),
      replace('Locate', ({ MaximumItems: count = 0 }: { MaximumItems?: number }) => ({
        UniqueIdentifier: Array.from({ length: count }, (_, at) => `id-${at}`),
      })),
      replace('RNGRetrieve', ({ DataLength }: { DataLength: number }) => ({
        Data: new Uint8Array(DataLength),
      })),
    ],
  });
  t.teardown(() => service.close());
  return { service, probe };
}

const found = enumerated('UniqueIdentifier', 0xb);
const locate = (count: number) => ({ operation: 'Locate', payload: [integer('MaximumItems', count)] });
const random = (length: number) => ({ operation: 'RNGRetrieve', payload: [integer('DataLength', length)] });
const data = (length: number) => bytes('Data', new Uint8Array(length));
const latestRandom = enumerated('Data', 5);
const mac = (...payload: Node[]): RequestItem => ({ operation: 'MAC', payload });
const repeated = mac(found, data(8));
const reCertify = {
  operation: 'ReCertify',
  payload: [found, enumerated('CertificateRequestUniqueIdentifier', 0xb)],
};
const validate = { operation: 'Validate', payload: [found] };
const link = structure('Link', enumerated('LinkType', 0x109), enumerated('LinkedObjectIdentifier', 0xb));
const nested = { operation: 'Locate', payload: [structure('Attributes', link)] };
const goOn = enumerated('BatchErrorContinuationOption', 1);

t.test('the objects that the references of a batch stand for are bounded before anything runs', async (t) => {
  const { service, probe } = await openWith({ batchItems: 6 });
  const cases: [name: string, objects: number, items: RequestItem[], runs: number, outcomes: string][] = [
    ['one field', 6, [repeated], 6, 'MAC:Success '.repeat(6)],
    ['one field too many', 7, [repeated], 0, 'MAC:ServerLimitExceeded'],
    ['a product', 2, [reCertify], 4, 'ReCertify:Success '.repeat(4)],
    ['too large a product', 3, [reCertify], 0, 'ReCertify:ServerLimitExceeded'],
    ['a list', 6, [validate], 1, 'Validate:Success'],
    ['too long a list', 7, [validate], 0, 'Validate:ServerLimitExceeded'],
    ['inside a structure', 2, [nested], 0, 'Locate:InvalidMessage'],
    ['too many inside a structure', 7, [nested], 0, 'Locate:ServerLimitExceeded'],
    ['two items', 3, [repeated, repeated], 6, 'MAC:Success '.repeat(6)],
    ['two lists', 3, [validate, validate], 2, 'Validate:Success '.repeat(2)],
    ['one object each', 1, [repeated, reCertify, validate, repeated, repeated], 5, ''],
    ...[repeated, validate, nested].map((each): (typeof cases)[number] => [
      `two items that stand for too much: ${each.operation}`,
      4,
      [repeated, each],
      4,
      `${'MAC:Success '.repeat(4)}${each.operation}:ServerLimitExceeded`,
    ]),
  ];
  for (const [name, objects, items, runs, outcomes] of cases) {
    probe.runs = 0;
    const [, ...answers] = await service.batch('2.1', [locate(objects), ...items], [goOn]);
    if (outcomes !== '') t.equal(outline(answers), outcomes.trim(), name);
    t.equal(probe.runs, runs, name);
  }
});

t.test('operations grow with the items of a batch, not with their square', async (t) => {
  for (const fails of [false, true]) {
    for (const batchItems of [5, 50]) {
      const { service, probe } = await openWith({ batchItems });
      probe.fails = fails;
      const items = Array.from({ length: batchItems - 1 }, () => repeated);
      await service.batch('2.1', [locate(batchItems - 1), ...items], [goOn]);
      t.ok(probe.runs > 0 && probe.runs < 2 * batchItems, `${probe.runs} operations of ${batchItems} items`);
    }
  }
});

t.test('the bytes that the references of a batch add are bounded before anything runs', async (t) => {
  const { service, probe } = await openWith({ referenceBytes: 1_024 });
  // A payload of MAC has 8 bytes, 16 for a short identifier and 8 around Data; a reference has 16.
  const ok = (runs: number) => 'MAC:Success '.repeat(runs).trim();
  const cases: [name: string, first: RequestItem, items: RequestItem[], runs: number, outcomes: string][] = [
    ['repeated Data', locate(5), [mac(found, data(224))], 5, ok(5)],
    ['too much of it', locate(5), [mac(found, data(232))], 0, 'MAC:ServerLimitExceeded'],
    ['Data once', locate(1), [mac(found, data(2_000))], 1, ok(1)],
    ['referenced Data', random(1_032), [mac(latestRandom)], 1, ok(1)],
    ['too much of it', random(1_040), [mac(latestRandom)], 0, 'MAC:ServerLimitExceeded'],
    ['twice', random(600), [mac(latestRandom), mac(latestRandom)], 1, 'MAC:Success MAC:ServerLimitExceeded'],
    ['twice in one item', random(600), [mac(latestRandom, latestRandom)], 0, 'MAC:ServerLimitExceeded'],
    [
      'both kinds in two items',
      locate(4),
      [random(600), mac(latestRandom), mac(found, data(224))],
      1,
      'RNGRetrieve:Success MAC:Success MAC:ServerLimitExceeded',
    ],
    [
      'both kinds in one item',
      locate(4),
      [random(400), mac(found, latestRandom)],
      0,
      'RNGRetrieve:Success MAC:ServerLimitExceeded',
    ],
  ];
  for (const [name, first, items, runs, outcomes] of cases) {
    probe.runs = 0;
    const [, ...answers] = await service.batch('2.1', [first, ...items], [goOn]);
    t.equal(outline(answers), outcomes, name);
    t.equal(probe.runs, runs, name);
  }
});

t.test('the Ephemeral output of a batch is bounded', async (t) => {
  const { service, probe } = await openWith({ referenceBytes: 1_024 });
  probe.length = 512;
  t.ok(withOutput.length >= 6);
  for (const { name } of withOutput) {
    const each =
      name === 'RNGRetrieve'
        ? random(512)
        : { operation: name, payload: [structure('CryptographicParameters'), data(8)] };
    const kept = Array.from({ length: 3 }, () => ({ ...each, ephemeral: true }));
    const [first, second, third] = await service.batch('2.1', kept);
    t.equal(
      outline([first, second, third] as never),
      `${name}:Success ${name}:Success ${name}:ServerLimitExceeded`,
    );
    const sent = await service.batch('2.1', [each, each, each]);
    t.equal(outline(sent), `${name}:Success `.repeat(3).trim(), 'the response bounds output that is sent');
  }
  probe.runs = 0;
  const answers = await service.batch('2.1', [locate(5), { ...repeated, ephemeral: true }]);
  t.equal(outline(answers), 'Locate:Success MAC:ServerLimitExceeded');
  t.equal(probe.runs, 3, 'no repetition runs after the one whose output is too much');
});

t.test('nothing runs once the response has no space for an answer', async (t) => {
  // An answer of MAC has 40 bytes around its payload of 8 + 16 + 8 + 200; a failure is reckoned with 104.
  const items = Array.from({ length: 20 }, () => mac(data(8)));
  const cases: [name: string, items: RequestItem[], option: number, runs: number, last: string][] = [
    ['Continue', items, 1, 5, 'MAC:ResponseTooLarge'],
    ['Stop', items, 2, 4, 'MAC:ResponseTooLarge'],
    ['Undo', items, 3, 4, 'MAC:ResponseTooLarge'],
    ['repetitions', [locate(9), repeated], 2, 2, 'MAC:ResponseTooLarge'],
    ['repetitions that cannot fit', [locate(19), repeated], 2, 0, 'MAC:ResponseTooLarge'],
  ];
  for (const size of ['limit', 'header'] as const) {
    const { service, probe } = await openWith(size === 'limit' ? { responseBytes: 1_080 } : {});
    const header = size === 'limit' ? [] : [item('MaximumResponseSize', 'Integer', 1_080)];
    for (const [name, batch, option, runs, last] of cases) {
      probe.runs = 0;
      const answers = await service.batch('2.1', batch, [
        ...header,
        enumerated('BatchErrorContinuationOption', option),
      ]);
      t.equal(outline(answers.slice(-1)), last, `${size}, ${name}`);
      t.equal(probe.runs, runs, `${size}, ${name}`);
    }
  }
});

t.test('answers that are too large are bounded together, although none is sent', async (t) => {
  const items = Array.from({ length: 20 }, () => mac(data(8)));
  const header = [goOn, item('MaximumResponseSize', 'Integer', 1_080)];
  for (const [responseBytes, runs] of [
    [4_096, 4],
    [1_000_000, 10],
  ] as const) {
    const { service, probe } = await openWith({ responseBytes });
    probe.length = 1_000;
    const answers = await service.batch('2.1', items, header);
    t.equal(outline(answers), 'MAC:ResponseTooLarge '.repeat(20).trim());
    t.equal(probe.runs, runs);
  }
});

t.test('the objects that a batch makes are bounded, also where one item makes many', async (t) => {
  const service = await TestService.open({ limits: { batchItems: 10 } });
  t.teardown(() => service.close());
  const maxObjects = 2 * 10 + 255;
  const aes = [algorithm('AES'), length(128)];
  const key = await registerKey(service, active, withMask('DeriveKey', 'Encrypt'));
  const item = (operation: AnyOperation, request: object) => ({
    operation: operation.name,
    payload: payloadOf('2.1', operation, request as never),
  });
  const split = (parts: number) =>
    item(CreateSplitKey, {
      ObjectType: 'SplitKey',
      SplitKeyParts: parts,
      SplitKeyThreshold: 2,
      SplitKeyMethod: 'PolynomialSharingGF2_8',
      Attributes: having(...aes, withMask('Encrypt')),
    });
  const value = { KeyFormatType: 'Raw', KeyValue: { KeyMaterial: new Uint8Array(16), Attributes: [] } };
  const registered = {
    ObjectType: 'SymmetricKey',
    Object: {
      type: 'SymmetricKey',
      value: { KeyBlock: { ...value, CryptographicAlgorithm: 'AES', CryptographicLength: 128 } },
    },
  };
  const made = [
    item(Create, { ObjectType: 'SymmetricKey', Attributes: having(...aes, withMask('Encrypt')) }),
    item(CreateKeyPair, {
      CommonAttributes: having(algorithm('ECDSA'), length(256)),
      PrivateKeyAttributes: having(withMask('Sign')),
      PublicKeyAttributes: having(withMask('Verify')),
    }),
    split(2),
    item(Register, { ...registered, Attributes: having(withMask('Encrypt')) }),
    item(Import, { ...registered, UniqueIdentifier: 'imported', Attributes: [withMask('Encrypt')] }),
    item(DeriveKey, {
      ObjectType: 'SymmetricKey',
      UniqueIdentifier: [key],
      DerivationMethod: 'HMAC',
      DerivationParameters: {
        CryptographicParameters: { HashingAlgorithm: 'SHA_256' },
        DerivationData: [new Uint8Array(8)],
      },
      Attributes: having(...aes, withMask('Encrypt')),
    }),
    item(ReKey, { UniqueIdentifier: key }),
  ];
  const outcomes = (answers: Awaited<ReturnType<typeof service.batch>>) =>
    new Set(answers.map(({ status, reason }) => reason ?? status));
  const refused = await service.batch('2.1', [split(255), split(maxObjects - 255), ...made], [goOn]);
  t.same(outcomes(refused.slice(0, 2)), new Set(['Success']));
  t.same(outcomes(refused.slice(2)), new Set(['ServerLimitExceeded']));
  t.equal(refused.length, 2 + made.length);
  t.same(outcomes(await service.batch('2.1', [split(255), ...made], [goOn])), new Set(['Success']));
});
