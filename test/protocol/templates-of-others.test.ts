import t from 'tap';
import type { Principal } from '../../src/identity/principal.ts';
import { Create } from '../../src/operations/creation/create.ts';
import { Register } from '../../src/operations/transfer/register.ts';
import { enrolBoth, maker, other } from './makers.ts';
import { algorithm, ask, attributeOf, having, length, named, succeed } from './operations/ask.ts';
import { TestService } from './service.ts';

/** The client's own Template of a Name decides what it makes, and never an ambiguous one of others. */

const service = await TestService.open();
t.teardown(() => service.close());
await enrolBoth(service);

const { enrolledAt: _, ...unknown } = { ...other, client: 'unknown', fingerprint: 'f6' };
const senders: Readonly<Record<string, Partial<Principal>>> = {
  own: maker,
  other,
  third: { ...other, client: 'third', fingerprint: 'f5' },
  // A client that was removed and enrolled again under its name.
  again: { ...other, fingerprint: 'f7', enrolledAt: 2_000 },
  // As objects of an older kmipd, which recorded no maker.
  unknown,
};

/** Makes Templates of one Name for keys of that many bits, and returns what Create by the Name makes. */
async function createBy(name: string, templates: readonly (readonly [who: string, bits: number])[]) {
  for (const [who, bits] of templates) {
    service.sender = senders[who] ?? {};
    const Attributes = [algorithm('AES'), length(bits), { name: 'CryptographicUsageMask', value: 12 }];
    const Object = { type: 'Template', value: { Attributes } };
    const request = { ObjectType: 'Template', Attributes: having(named(name)), Object };
    await succeed(service, '1.2', Register, request);
  }
  service.sender = maker;
  const reference = { NameValue: name, NameType: 'UninterpretedTextString' };
  const Attributes = { templates: [reference], attributes: [] };
  const { reason, id } = await ask(service, '1.2', Create, { ObjectType: 'SymmetricKey', Attributes });
  return id === undefined ? reason : attributeOf(service, id, 'CryptographicLength');
}

const many = (who: string, bits: number, times: number) =>
  Array.from({ length: times }, () => [who, bits] as const);

t.test('the Template of a Name is the own one, or that of one other client', async (t) => {
  const cases: readonly [expected: unknown, ...templates: (readonly [who: string, bits: number])[]][] = [
    ['ItemNotFound'],
    [256, ['own', 256]],
    [256, ['own', 192], ['own', 256]],
    [128, ['other', 128]],
    [128, ['other', 192], ['other', 128]],
    [128, ['unknown', 192], ['unknown', 128]],
    [256, ['own', 256], ['other', 128]],
    [256, ['other', 128], ['own', 256]],
    [256, ['own', 256], ['unknown', 128]],
    [256, ['own', 192], ['other', 128], ['own', 256], ['third', 128]],
    [256, ['own', 256], ...many('other', 128, 63)],
    ['InvalidField', ['own', 256], ...many('other', 128, 64)],
    ['InvalidField', ['other', 128], ['third', 128]],
    ['InvalidField', ['third', 128], ['other', 128], ['third', 128]],
    ['InvalidField', ['other', 128], ['again', 128]],
    ['InvalidField', ['unknown', 128], ['other', 128]],
    [128, ...many('other', 128, 64)],
    ['InvalidField', ...many('other', 128, 65)],
    [256, ...many('other', 128, 65), ['own', 256]],
  ];
  for (const [at, [expected, ...templates]] of cases.entries()) {
    const title = `${templates.length}: ${[...new Set(templates.map(([who]) => who))].join(', ')}`;
    t.equal(await createBy(`template ${at}`, templates), expected, title);
  }
});
