import t from 'tap';
import { type Case, familyOf, groupCases, splitExchanges, withPredecessors } from '../../conformance/case.ts';

const make = (name: string): Case => ({
  name,
  version: '1.4',
  family: familyOf(name),
  file: `${name}.xml`,
  exchanges: [],
});

t.test('families by the name of the file', async (t) => {
  const names = {
    'BL-M-1-21': 'BL',
    'SUITEB_128-M-1-14': 'SUITEB',
    'MSGENC-HTTPS-M-1-14': 'MSGENC',
    'CS-BC-M-GCM-1-14': 'CS-BC',
    'CS-RNG-O-4-21': 'CS-RNG',
    'PKCS11-M-1-21': 'PKCS11',
    'TC-Q-S2C-1-14': 'TC',
    'TL-M-1-14': 'TL',
    OTHER: 'OTHER',
  };
  for (const [name, family] of Object.entries(names)) t.equal(familyOf(name), family, name);
});

t.test('a transcript is cut into requests and answers', async (t) => {
  const xml = `<KMIP><!-- <RequestMessage></RequestMessage> -->
    <RequestMessage>a</RequestMessage><ResponseMessage>b</ResponseMessage></KMIP>
    <KMIP><RequestMessage>c</RequestMessage><ResponseMessage>d</ResponseMessage></KMIP>`;
  t.same(splitExchanges(xml), [
    { request: '<RequestMessage>a</RequestMessage>', response: '<ResponseMessage>b</ResponseMessage>' },
    { request: '<RequestMessage>c</RequestMessage>', response: '<ResponseMessage>d</ResponseMessage>' },
  ]);
  t.throws(() => splitExchanges('<RequestMessage>a</RequestMessage>'), /no partner/);
  t.throws(
    () => splitExchanges('<RequestMessage>a</RequestMessage><RequestMessage>b</RequestMessage>'),
    /no partner/,
  );
});

t.test('cases that need each other share a group, others have their own', async (t) => {
  const cases = ['SASED-M-1-14', 'SASED-M-2-14', 'SASED-M-3-14', 'TL-M-2-14', 'TL-M-3-14'].map(make);
  t.same(
    groupCases(cases).map((group) => group.cases.map((each) => each.name)),
    [['SASED-M-1-14'], ['SASED-M-2-14', 'SASED-M-3-14'], ['TL-M-2-14', 'TL-M-3-14']],
  );
});

t.test('a selected case brings those it needs, and no others', async (t) => {
  const cases = ['TL-M-1-14', 'TL-M-2-14', 'TL-M-3-14'].map(make);
  const select = (name: string) =>
    withPredecessors(cases, (each) => each.name === name).map((each) => each.name);
  t.same(select('TL-M-3-14'), ['TL-M-2-14', 'TL-M-3-14']);
  t.same(select('TL-M-2-14'), ['TL-M-2-14']);
  t.same(select('TL-M-1-14'), ['TL-M-1-14']);
});
