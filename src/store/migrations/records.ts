import type { Migration } from './migration.ts';

/** Server state beside objects. */
export const records: Migration = {
  version: 3,
  name: 'records',
  statements: ({ serial, integer, blob, tableEnd }) => [
    // `seq` is the order of insertion, in which they are listed.
    `create table record (
      seq ${serial},
      kind text not null,
      id text not null,
      grp text not null,
      version ${integer} not null,
      expires ${integer},
      sealed ${blob} not null,
      unique (kind, id)
    )${tableEnd}`,
    'create index record_by_group on record (kind, grp, seq)',
    'create index record_by_expiry on record (expires) where expires is not null',
  ],
};
