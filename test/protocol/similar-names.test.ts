import t from 'tap';
import type { Attribute } from '../../codec/attribute.ts';
import { Create } from '../../src/operations/creation/create.ts';
import { Archive } from '../../src/operations/lifecycle/archive.ts';
import { Destroy } from '../../src/operations/lifecycle/destroy.ts';
import { Locate } from '../../src/operations/locate.ts';
import { enrolBoth, maker, other } from './makers.ts';
import { aes, having, named, outcome, storedKey, succeed } from './operations/ask.ts';
import { TestService } from './service.ts';

/** With `uniqueNames` no object gets a Name that looks like that of another one, in any storage status. */

const service = await TestService.open({ uniqueNames: true });
t.teardown(() => service.close());
await enrolBoth(service);

let count = 0;
const create = (name: Attribute) =>
  outcome(service, '2.1', Create, { ObjectType: 'SymmetricKey', Attributes: having(...aes, name) });
const typed = (NameValue: string, NameType: string): Attribute =>
  ({ name: 'Name', value: { NameValue, NameType } }) as Attribute;

/** Pairs by a number that makes each unique. */
const alike: readonly [what: string, (n: number) => readonly [string, string]][] = [
  ['the same', (n) => [`prod${n}`, `prod${n}`]],
  ['a space behind', (n) => [`prod${n}`, `prod${n} `]],
  ['a space before', (n) => [`prod${n}`, ` prod${n}`]],
  ['a tab behind', (n) => [`prod${n}`, `prod${n}\t`]],
  ['two spaces inside', (n) => [`prod ${n}`, `prod  ${n}`]],
  ['a no-break space', (n) => [`prod ${n}`, `prod\u00a0${n}`]],
  ['an ideographic space', (n) => [`prod ${n}`, `prod\u3000${n}`]],
  ['a line separator', (n) => [`prod ${n}`, `prod\u2028${n}`]],
  ['NUL', (n) => [`prod${n}`, `prod${n}\0`]],
  ['a control character', (n) => [`prod${n}`, `pr\u0007od${n}`]],
  ['zero width space', (n) => [`prod${n}`, `prod\u200b${n}`]],
  ['zero width joiner', (n) => [`prod${n}`, `prod\u200d${n}`]],
  ['byte order mark', (n) => [`prod${n}`, `\ufeffprod${n}`]],
  ['soft hyphen', (n) => [`prod${n}`, `pro\u00add${n}`]],
  ['right-to-left mark', (n) => [`prod${n}`, `\u200fprod${n}`]],
  ['right-to-left override', (n) => [`prod${n}`, `\u202eprod${n}`]],
  ['variation selector', (n) => [`prod${n}`, `prod\ufe0f${n}`]],
  ['tag character', (n) => [`prod${n}`, `prod\u{e0041}${n}`]],
  ['interlinear annotation', (n) => [`prod${n}`, `prod\ufff9${n}`]],
  ['Braille blank', (n) => [`prod${n}`, `prod\u2800${n}`]],
  ['null notehead', (n) => [`prod${n}`, `prod\u{1d159}${n}`]],
  ['Hangul filler', (n) => [`prod${n}`, `prod\uffa0${n}`]],
  ['full width', (n) => [`prod${n}`, `\uff50rod${n}`]],
  ['ligature', (n) => [`file${n}`, `\ufb01le${n}`]],
  ['mathematical letter', (n) => [`prod${n}`, `\u{1d429}rod${n}`]],
  ['superscript', (n) => [`prod2-${n}`, `prod\u00b2-${n}`]],
  ['decomposed', (n) => [`caf\u00e9${n}`, `cafe\u0301${n}`]],
  ['joined by what is not displayed', (n) => [`caf\u00e9${n}`, `cafe\u200c\u0301${n}`]],
  ['two that are both changed', (n) => [`prod${n}\u200b`, `prod${n} `]],
];
const different: readonly [what: string, (n: number) => readonly [string, string]][] = [
  ['case', (n) => [`prod${n}`, `Prod${n}`]],
  ['accent', (n) => [`cafe${n}`, `caf\u00e9${n}`]],
  ['another script', (n) => [`prod${n}`, `pr\u043ed${n}`]],
  ['a space inside', (n) => [`prod${n}`, `pro d${n}`]],
];

/** What has become of the object that has the first Name. */
const fates: Readonly<Record<string, (UniqueIdentifier: string) => Promise<unknown>>> = {
  'on-line': async () => undefined,
  archived: (UniqueIdentifier) => succeed(service, '2.1', Archive, { UniqueIdentifier }),
  destroyed: (UniqueIdentifier) => succeed(service, '2.1', Destroy, { UniqueIdentifier }),
};

for (const [fate, befall] of Object.entries(fates)) {
  t.test(`a Name like that of an object that is ${fate} is refused to other clients`, async (t) => {
    for (const [what, pairOf] of alike) {
      for (const isReversed of [false, true]) {
        for (const type of ['UninterpretedTextString', 'URI']) {
          const pair = pairOf(count++);
          const [first, second] = isReversed ? ([pair[1], pair[0]] as const) : pair;
          service.sender = maker;
          await befall(await storedKey(service, named(first)));
          service.sender = other;
          const title = `${what} in the ${isReversed ? 'first' : 'second'}, ${type}`;
          t.equal(await create(typed(second, type)), 'NonUniqueNameAttribute', title);
          service.sender = maker;
          const expected = fate === 'destroyed' ? 'Success' : 'NonUniqueNameAttribute';
          t.equal(await create(typed(second, type)), expected, `${title}: the maker`);
        }
      }
    }
  });
}

t.test('Names that differ to the eye are several, and Locate compares exactly', async (t) => {
  service.sender = maker;
  for (const [what, pairOf] of different) {
    const [first, second] = pairOf(count++);
    t.equal(await create(named(first)), 'Success', what);
    t.equal(await create(named(second)), 'Success', what);
  }
  const find = async (text: string) =>
    (await succeed(service, '2.1', Locate, { Attributes: [named(text)] })).UniqueIdentifier.length;
  t.equal(await create(named('exact\u200b')), 'Success');
  t.same([await find('exact\u200b'), await find('exact')], [1, 0]);
});

t.test('of two such Names in messages at the same time one is refused', async (t) => {
  service.sender = maker;
  for (const [what, pairOf] of alike) {
    const names = pairOf(count++);
    const all = await Promise.all(names.map((text) => create(named(text))));
    t.same(all.toSorted(), ['NonUniqueNameAttribute', 'Success'], what);
  }
});
