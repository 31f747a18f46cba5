import t from 'tap';
import { tagName } from '../../codec/tags.ts';
import type { Node } from '../../codec/wire/node.ts';
import { enumerated, find, structure, text } from '../client.ts';
import { createAesPayload2x, TestService } from './service.ts';

const service = await TestService.open();
t.teardown(() => service.close());

t.test('names, groups and templates of another group are not found', async (t) => {
  const name = structure('Name', text('NameValue', 'only theirs'), enumerated('NameType', 1));
  const [type, attributes] = createAesPayload2x() as [Node, Node];
  const wanted = structure(
    'Attributes',
    ...(attributes.value as Node[]),
    name,
    text('ObjectGroup', 'our group'),
  );
  t.equal((await service.call('2.1', 'Create', [type, wanted], 'theirs')).status, 'Success');
  const filters: Node[][] = [[], [name], [text('ObjectGroup', 'our group')], [enumerated('ObjectType', 2)]];
  for (const filter of filters) {
    const payload = [structure('Attributes', ...filter)];
    const answer = await service.exchange('2.1', [{ operation: 'Locate', payload }], [], 'nobody');
    t.same(find(answer, 'BatchItem', 'ResponsePayload', 'UniqueIdentifier'), undefined);
    const located = find(answer, 'BatchItem', 'ResponsePayload')?.value as Node[];
    t.ok(
      located.every((each) => tagName(each.tag) === 'LocatedItems' && each.value === 0),
      'nothing is located, and nothing counted',
    );
  }
});
