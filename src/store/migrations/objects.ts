import type { Migration } from './migration.ts';

/** Objects, their index entries for Locate, and the values that are unique within a group. */
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
    // A term is one searchable field. Index rows refer to its number instead of three texts, which halves the
    // cost of an insertion.
    `create table term (
      id ${serial},
      grp text not null,
      attribute text not null,
      field text not null,
      unique (grp, attribute, field)
    )${tableEnd}`,
    // No foreign key: rows are written together with their object and never outlive it, and the check would
    // cost a lookup for each of the twenty rows of an insertion.
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
