import { ObjectGroupMember } from '../../codec/enums.ts';
import { filterAttributes } from '../../codec/eras.ts';
import { StorageStatusMask } from '../../codec/masks.ts';
import { integer, many, maybe, since, struct, text } from '../../codec/schema.ts';
import { fail } from '../common/errors.ts';
import { locateFilter } from '../object/locate-filter.ts';
import { conversation, operation } from './operation.ts';

/** Attributes of one filter: more than clients send, fewer than the expressions of a database may nest. */
const maxConditions = 128;

/**
 * Locate (KMIP 2.1 §6.1.28, 1.4 §4.9): objects of the client's group that have every attribute given, newest
 * first. A condition that the server does not understand matches no object; it is not ignored.
 */
export const Locate = operation({
  name: 'Locate',
  since: '1.0',
  request: struct({
    MaximumItems: maybe(integer),
    OffsetItems: since('1.3', maybe(integer)),
    StorageStatusMask: maybe(StorageStatusMask),
    ObjectGroupMember: since('1.1', maybe(ObjectGroupMember)),
    Attributes: filterAttributes,
  }),
  response: struct({ LocatedItems: since('1.3', maybe(integer)), UniqueIdentifier: many(text) }),
  target: conversation(),
  limitedRight: 'objects',
  values: 'unused',
  async handle(request, context) {
    const { work, limits, now } = context;
    if (request.Attributes.length > maxConditions) {
      fail('InvalidField', `Locate takes at most ${maxConditions} attributes to look for`);
    }
    const { MaximumItems: maximum = limits.locateItems, OffsetItems: offset = 0 } = request;
    if (maximum < 0 || offset < 0) fail('InvalidField', 'Maximum Items and Offset Items cannot be negative');
    const { ids, total } = await work.find({
      filter: locateFilter({
        attributes: request.Attributes,
        storageStatusMask: request.StorageStatusMask,
        objectGroupMember: request.ObjectGroupMember,
        now,
        access: context,
      }),
      offset,
      limit: Math.min(maximum, limits.locateItems),
      countedItems: limits.countedItems,
    });
    context.setPlaceholder(ids.length === 1 ? ids[0] : undefined);
    return { ...(total !== undefined && { LocatedItems: total }), UniqueIdentifier: [...ids] };
  },
});
