import type { Migration } from './migration.ts';

/** The entries of the audit log, those of one commit in one row or a few. */
export const auditBlocks: Migration = {
  version: 7,
  name: 'audit blocks',
  statements: ({ serial, integer, blob, tableEnd }) => [
    // Blocks of one chain are inserted in its order, and found by their numbers: no other index is written.
    `create table audit_block (
      seq ${serial},
      chain text not null,
      first ${integer} not null,
      count ${integer} not null,
      time ${integer} not null,
      box ${blob} not null
    )${tableEnd}`,
  ],
};
