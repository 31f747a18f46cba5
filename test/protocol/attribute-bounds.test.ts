import t from 'tap';
import type { Attribute } from '../../codec/attribute.ts';
import type { Node } from '../../codec/wire/node.ts';
import { Create } from '../../src/operations/creation/create.ts';
import { ReKey } from '../../src/operations/creation/re-key.ts';
import { Register } from '../../src/operations/transfer/register.ts';
import { UnitOfWork } from '../../src/protocol/unit-of-work/unit-of-work.ts';
import { SearchEndedError } from '../../src/store/store.ts';
import { enumerated, type RequestItem } from '../client.ts';
import { algorithm, having, length, named, outcome, payloadOf, succeed } from './operations/ask.ts';
import { outline, TestService } from './service.ts';

// Attributes that a short request multiplies.

/** The reason of Server Limit Exceeded in each era. */
const tooMuch = { '1.4': 'IndexOutOfBounds', '2.1': 'ServerLimitExceeded' } as const;
const goOn = enumerated('BatchErrorContinuationOption', 1);
const custom = (count: number): Attribute[] =>
  Array.from({ length: count }, (_, at) => ({
    vendor: 'x',
    name: 'many',
    value: { type: 'TextString', value: `value ${at}` },
  }));
const aes = [algorithm('AES'), length(256)];
const nameOf = (NameValue: string) => ({ NameValue, NameType: 'UninterpretedTextString' }) as const;

async function open(t: { teardown(close: () => unknown): void }): Promise<TestService> {
  const service = await TestService.open({
    limits: { batchItems: 20, requestBytes: 65_536, referenceBytes: 1_024 },
  });
  t.teardown(() => service.close());
  return service;
}

const itemOf = (
  operation: typeof Create | typeof ReKey,
  version: '1.4' | '2.1',
  request: object,
): RequestItem => ({
  operation: operation.name,
  payload: (payloadOf(version, operation, request) as Node & { value: Node[] }).value,
});

const ways: Readonly<
  Record<string, (service: TestService) => Promise<readonly ['1.4' | '2.1', RequestItem]>>
> = {
  'a Template': async (service) => {
    const value = { type: 'Template', value: { Attributes: custom(900) } } as const;
    await succeed(service, '1.4', Register, {
      ObjectType: 'Template',
      Attributes: having(named('T')),
      Object: value,
    });
    const Attributes = { templates: [nameOf('T')], attributes: aes };
    return ['1.4', itemOf(Create, '1.4', { ObjectType: 'SymmetricKey', Attributes })];
  },
  'a replaced key': async (service) => {
    const { UniqueIdentifier } = await succeed(service, '2.1', Create, {
      ObjectType: 'SymmetricKey',
      Attributes: having(...aes, ...custom(900)),
    });
    return ['2.1', itemOf(ReKey, '2.1', { UniqueIdentifier })];
  },
};

for (const [what, prepare] of Object.entries(ways))
  t.test(`the attributes that a batch multiplies are bounded: ${what}`, async (t) => {
    const service = await open(t);
    const [version, item] = await prepare(service);
    const answers = await service.batch(version, Array(20).fill(item), [goOn]);
    const statuses = outline(answers)
      .split(' ')
      .map((each) => each.split(':')[1]);
    const made = statuses.filter((each) => each === 'Success').length;
    t.ok(made >= 5 && made < 20, `${made} of 20 items`);
    t.same(new Set(statuses.slice(made)), new Set([tooMuch[version]]));
  });

t.test('a batch makes as many usual objects as it has items', async (t) => {
  const service = await open(t);
  const request = { ObjectType: 'SymmetricKey', Attributes: having(...aes, named('a Name of some length')) };
  const answers = await service.batch('2.1', Array(20).fill(itemOf(Create, '2.1', request)), [goOn]);
  t.equal(outline(answers), 'Create:Success '.repeat(20).trim());
});

t.test(
  'a Template that is named several times counts once, and merged ones stay within an object',
  async (t) => {
    const service = await open(t);
    for (const name of ['A', 'B', 'C', 'D', 'E']) {
      const Attributes = custom(900).map((each) => ({ ...each, name: `many ${name}` }) as Attribute);
      await succeed(service, '1.4', Register, {
        ObjectType: 'Template',
        Attributes: having(named(name)),
        Object: { type: 'Template', value: { Attributes } },
      });
    }
    const create = (...names: string[]) => {
      const templates = names.map((name) => nameOf(name));
      return outcome(service, '1.4', Create, {
        ObjectType: 'SymmetricKey',
        Attributes: { templates, attributes: aes },
      } as never);
    };
    t.equal(await create(...Array<string>(16).fill('A')), 'Success');
    t.equal(await create('A', 'B', 'C', 'D'), 'Success');
    t.equal(await create('A', 'B', 'C', 'D', 'E'), tooMuch['1.4']);
  },
);

t.test('searches among the changes of a batch end', async (t) => {
  const service = await open(t);
  for (const [searchMilliseconds, ends] of [
    [60_000, false],
    [0, true],
  ] as const) {
    const options = { uniqueNames: false, now: service.now / 1000, searchMilliseconds };
    const unit = new UnitOfWork(service.store, service.vault, options);
    unit.actFor('g');
    const layer = unit.layer();
    const { UniqueIdentifier: id } = await succeed(service, '2.1', Create, {
      ObjectType: 'SymmetricKey',
      Attributes: having(...aes),
    });
    (await layer.load(id))?.attributes.add(custom(1)[0] as Attribute);
    const search = layer.find({ filter: { all: [] }, offset: 0, limit: 1 });
    if (ends) await t.rejects(search, SearchEndedError);
    else t.same((await search).ids, [id]);
  }
});
