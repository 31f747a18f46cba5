import t from 'tap';
import { missingDocuments } from './references.ts';
import { readTree } from './source.ts';

const tree = ['README.md', 'docs/a.md', 'src/store/sql.ts', 'codec/wire/xml.ts'].map((path) => ({
  path,
  text: '',
}));

// Written so that the comments and strings of this file are no references themselves.
const bad = [
  'see DESIG_N §4.2',
  'as HOUS_E says',
  'as TRUS_T.md says',
  'kept in LESSON_S',
  'CLIENT_S.md',
  '../share_d/notes.md',
  '[text](b.md)',
  '[text](../docs/c.md#part)',
  '![picture](a.png)',
  'see `docs/b.md`',
  'see docs/decisions/01-a.md.',
  'as in postgres.ts',
  'in ./sqlite.ts, for example',
  'CONTRIBUTING.md',
];
const good = [
  'see [text](a.md), [top](../README.md) and [folder](../src/)',
  '[part](a.md#part), [here](#part) and [there](https://example.org/b.md)',
  '`sql.ts`, `store/sql.ts`, `src/store/sql.ts` and wire/xml.ts',
  'https://example.org/x/b.md',
  '../share_d/oasis/cases may be absent',
  '*.test.ts, <name>.ts and a.md',
  'trusted designs of one server: clients learn lessons',
];

t.test('the rule finds documents and files that are not here', async (t) => {
  const whole = (text: string): string => text.replace('_', '');
  const found = (path: string, text: string) => missingDocuments([...tree, { path, text }]);
  const comment = (text: string) => `\n/* ${whole(text)} */\nconst x = '${whole(text)}';\n`;
  for (const text of bad) {
    t.match(found('docs/x.md', `\n${whole(text)}\n`), [/^docs\/x\.md:2: names /], text);
    const isLink = text.includes('](');
    if (!isLink) t.match(found('docs/x.ts', comment(text)), [/^docs\/x\.ts:2: names /], text);
  }
  for (const text of good) {
    t.same(found('docs/x.md', `\n${whole(text)}\n`), [], text);
    t.same(found('docs/x.ts', comment(text)), [], text);
  }
});

t.test('what comments and documents refer to is here', async (t) => {
  t.same(missingDocuments(readTree()), []);
});
