import type { Migration } from './migration.ts';

/** Objects, what Locate searches, and the values only one object of a group may hold. */
export const objects: Migration = {
  version: 1,
  name: 'objects',
  statements: ({ serial, integer, blob, tableEnd, clusteredEnd }) => [
    // `seq` is the order of insertion: Locate answers newest first and pages by it.
    `create table object (
      seq ${serial},
      id text not null unique,
      grp text not null,
      object_type text not null,
      version ${integer} not null,
      attributes ${blob} not null,
      sealed ${blob}
    )${tableEnd}`,
    'create index object_by_group on object (grp, seq)',
    // Names of what can be searched, once each: an index row holds a small number instead of three texts, which halves
    // the cost of an insertion.
    `create table term (
      id ${serial},
      grp text not null,
      attribute text not null,
      field text not null,
      unique (grp, attribute, field)
    )${tableEnd}`,
    // No foreign keys: rows are written only beside their object and never outlive it, and the check would cost a lookup
    // for each of the twenty rows of an insertion.
    `create table object_index (
      object ${integer} not null,
      term ${integer} not null,
      instance ${integer} not null,
      text text,
      number ${integer},
      primary key (object, term, instance)
    )${clusteredEnd}`,
    'create index object_index_by_text on object_index (term, text, object) where text is not null',
    'create index object_index_by_number on object_index (term, number, object) where number is not null',
    `create table unique_key (
      grp text not null,
      name text not null,
      object ${integer} not null references object (seq) on delete cascade,
      primary key (grp, name)
    )${clusteredEnd}`,
    'create index unique_key_by_object on unique_key (object)',
  ],
};
