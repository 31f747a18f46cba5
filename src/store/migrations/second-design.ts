import { objectColumns } from '../columns.ts';
import type { Migration } from './migration.ts';

/**
 * Objects and records whose content is sealed, the keyed hashes by which they are found, the keyring, and the
 * hash of the set of all rows. The tables of the first design (versions 1 to 4) had other names, so that both
 * are in one database while it is converted.
 */
export const secondDesign: Migration = {
  version: 5,
  name: 'second design',
  statements: ({ serial, integer, blob, tableEnd, clusteredEnd }) => [
    // `seq` is the order of insertion: Locate answers newest first and pages by it. What searches compare
    // stands before the boxes, of which SQLite keeps the ends of long ones on other pages.
    `create table managed_object (
      seq ${serial},
      id text not null unique,
      grp text not null,
      object_type text not null,
      version ${integer} not null,
      ${Object.values(objectColumns)
        .map((column) => `${column} ${integer},`)
        .join('\n      ')}
      box ${blob} not null,
      value ${blob}
    )${tableEnd}`,
    // Finds an object by group and identifier in one search, so that a row of another group is not read
    // before it is rejected.
    'create unique index managed_object_by_id on managed_object (grp, id)',
    'create index managed_object_by_group on managed_object (grp, seq)',
    // Those of `indexedColumns`. Every object has an Initial Date.
    'create index managed_object_by_initial_date on managed_object (grp, initial_date, seq)',
    ...['activation_date', 'deactivation_date'].map(
      (date) =>
        `create index managed_object_by_${date} on managed_object (grp, ${date}, seq) where ${date} is not null`,
    ),
    // No foreign key: rows are written together with their object and never outlive it, and the check would
    // cost a look-up for each row of an insertion.
    `create table object_term (
      term ${integer} not null,
      object ${integer} not null,
      instance ${integer} not null,
      primary key (term, object, instance)
    )${clusteredEnd}`,
    `create table unique_name (
      grp text not null,
      name text not null,
      object ${integer} not null,
      primary key (grp, name)
    )${clusteredEnd}`,
    'create index unique_name_by_object on unique_name (object)',
    // `seq` is the order of insertion, in which records are listed.
    `create table sealed_record (
      seq ${serial},
      key text not null unique,
      kind text not null,
      grp text not null,
      version ${integer} not null,
      expires ${integer},
      box ${blob} not null
    )${tableEnd}`,
    'create index sealed_record_by_kind on sealed_record (kind, seq)',
    'create index sealed_record_by_group on sealed_record (kind, grp, seq)',
    'create index sealed_record_by_expiry on sealed_record (expires) where expires is not null',
    `create table keyring (
      id ${integer} not null primary key,
      generation ${integer} not null,
      content ${blob} not null
    )${tableEnd}`,
    // One row for each connection that commits: what its transactions have changed of the set hash.
    `create table lane (
      name text not null primary key,
      seq ${integer} not null,
      era ${integer} not null,
      box ${blob} not null
    )${tableEnd}`,
  ],
};
