import type { Attribute } from '../../codec/attribute.ts';
import type { AttributeValue } from '../../codec/attribute-table.ts';
import { StorageStatusMask } from '../../codec/masks.ts';
import { fail } from '../common/errors.ts';
import { locateFilter } from '../object/locate-filter.ts';
import { isMaker } from '../object/maker.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import type { Context } from './context.ts';

/** Templates that 1.x clients name when they make objects. */

/** Archived Templates are found too, so that the client learns why one cannot be used. */
const onLineAndArchived = StorageStatusMask.bit('OnLineStorage') | StorageStatusMask.bit('ArchivalStorage');

/** Templates of one Name that are compared, the newest. */
const maxTemplatesOfName = 64;

/**
 * Loads the attributes of the Template of that Name: the newest of those that the client itself made, else
 * the newest when one client made all.
 * @throws {KmipError} ItemNotFound when there is none, InvalidField when several clients made one, or when
 *   there are more than can be compared, ObjectArchived
 */
export async function loadTemplate(
  name: AttributeValue<'Name'>,
  context: Context,
): Promise<readonly Attribute[]> {
  const { work, now } = context;
  const attributes: Attribute[] = [
    { name: 'Name', value: name },
    { name: 'ObjectType', value: 'Template' },
  ];
  const filter = locateFilter({ attributes, storageStatusMask: onLineAndArchived, now });
  const { ids } = await work.find({ filter, offset: 0, limit: maxTemplatesOfName + 1 });
  const template = await chooseTemplate(ids, context);
  if (template?.value?.type !== 'Template') fail('ItemNotFound', 'there is no Template of that Name');
  if (template.archived) fail('ObjectArchived', 'the Template is archived');
  return template.value.value.Attributes;
}

/** Chooses among Templates of one Name, the newest first; undefined when there are none. */
async function chooseTemplate(
  ids: readonly string[],
  { work, principal }: Context,
): Promise<ManagedObject | undefined> {
  const others: ManagedObject[] = [];
  for (const id of ids.slice(0, maxTemplatesOfName)) {
    const template = await work.load(id);
    if (template === undefined) continue;
    if (template.maker !== undefined && isMaker(template.maker, principal)) return template;
    others.push(template);
  }
  const makers = new Set(others.map(({ maker }) => JSON.stringify([maker?.client, maker?.enrolledAt])));
  if (makers.size > 1 || ids.length > maxTemplatesOfName)
    fail('InvalidField', 'several Templates have that Name, and this client made none of them');
  return others[0];
}
