import t from 'tap';
import type { Version } from '../../../../codec/version.ts';
import type { Node } from '../../../../codec/wire/node.ts';
import { children, enumerated, integer, structure, text, valueOf } from '../../../client.ts';
import { TestService, uid } from '../../service.ts';
import { contact, named, storedKey } from '../ask.ts';

const service = await TestService.open();
t.teardown(() => service.close());

const versions: readonly Version[] = ['1.0', '1.1', '1.2', '1.3', '1.4'];
const nameOf = (value: string) =>
  structure('AttributeValue', text('NameValue', value), enumerated('NameType', 1));

/** Attributes of one and of several instances, each with a value to add and one to change to. */
const rows: readonly [attribute: string, value: (text: string) => Node][] = [
  ['Contact Information', (value) => text('AttributeValue', value)],
  ['Name', nameOf],
  ['Object Group', (value) => text('AttributeValue', value)],
  ['x-Custom', (value) => text('AttributeValue', value)],
];
const indexItem = (index: number | undefined) =>
  index === undefined ? [] : [integer('AttributeIndex', index)];

/** Sends one item about an attribute; returns the Attribute Index in the response, or the reason. */
async function echoedIndex(
  version: Version,
  operation: 'AddAttribute' | 'ModifyAttribute' | 'DeleteAttribute',
  id: string,
  name: string,
  index: number | undefined,
  value: Node,
): Promise<unknown> {
  const head = [text('AttributeName', name), ...indexItem(index)];
  const payload =
    operation === 'DeleteAttribute' ? [uid(id), ...head] : [uid(id), structure('Attribute', ...head, value)];
  const answer = await service.call(version, operation, payload);
  if (answer.reason !== undefined) return answer.reason;
  return valueOf(answer.payload as Node, 'Attribute', 'AttributeIndex');
}

t.test('the response repeats Attribute Index 0 when the request carried it', async (t) => {
  for (const version of versions) {
    for (const [name, value] of rows) {
      for (const index of [undefined, 0]) {
        const id = await storedKey(service);
        const when = `${version} ${name} index ${index}`;
        const send = (operation: Parameters<typeof echoedIndex>[1], text: string) =>
          echoedIndex(version, operation, id, name, index, value(text));
        t.equal(await send('AddAttribute', 'a'), index, `${when}: added`);
        t.equal(await send('ModifyAttribute', 'b'), index, `${when}: modified`);
        t.equal(await send('DeleteAttribute', 'b'), index, `${when}: deleted`);
        t.equal(await send('DeleteAttribute', 'b'), 'ItemNotFound', `${when}: nothing is left`);
      }
    }
  }
});

t.test('the response repeats the index of an instance after the first in any case', async (t) => {
  for (const version of versions) {
    const id = await storedKey(service, named('first'));
    for (const index of [undefined, 0]) {
      const next = index === undefined ? 1 : 2;
      const added = await echoedIndex(version, 'AddAttribute', id, 'Name', index, nameOf(`n${next}`));
      t.equal(added, next, `${version} index ${index}`);
    }
    t.equal(await echoedIndex(version, 'ModifyAttribute', id, 'Name', 2, nameOf('m')), 2);
    t.equal(await echoedIndex(version, 'DeleteAttribute', id, 'Name', 1, nameOf('m')), 1);
  }
});

t.test('other responses leave Attribute Index 0 out', async (t) => {
  for (const version of versions) {
    const id = await storedKey(service, contact('me'), named('one'), named('two'));
    await echoedIndex(version, 'ModifyAttribute', id, 'Contact Information', 0, text('AttributeValue', 'b'));
    const { payload } = await service.call(version, 'GetAttributes', [uid(id)]);
    const indices = children(payload, 'Attribute').map((attribute) => valueOf(attribute, 'AttributeIndex'));
    t.same(
      indices.filter((index) => index !== undefined),
      [1],
      version,
    );
  }
});
