import type { Migration } from './migration.ts';

/**
 * Finds an object by group and identifier in one search, so that a row of another group is not read before it
 * is rejected.
 */
export const objectsByGroup: Migration = {
  version: 4,
  name: 'objects by group',
  statements: () => ['create unique index object_by_group_and_id on object (grp, id)'],
};
