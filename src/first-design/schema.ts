import type { Dialect } from '../store/sql-driver.ts';

/**
 * The tables of the first design (schema versions 1 to 4). While a database is converted they have other
 * names, so that no older kmipd goes on writing, and the new tables stand beside them.
 */

const names = ['object', 'object_index', 'term', 'unique_key', 'client', 'sealing_key', 'record'] as const;
/** The versions that have brought tables; the others are of version 1. */
const sinceVersion: Readonly<Record<string, number>> = { client: 2, sealing_key: 2, record: 3 };
const newestVersion = 4;
const renamed = (name: (typeof names)[number]) => `first_design_${name}`;

/** Returns the tables of a version before any conversion; undefined for one that the first design has not. */
export function tablesOf(version: number): readonly string[] | undefined {
  if (version < 1 || version > newestVersion) return undefined;
  return names.filter((name) => (sinceVersion[name] ?? 1) <= version);
}

export const renameStatements: readonly string[] = names.map(
  (name) => `alter table ${name} rename to ${renamed(name)}`,
);

/** By the tables that they drop, in this order, because unique keys refer to objects. */
export const dropStatements: Readonly<Record<string, string>> = Object.fromEntries(
  names.toReversed().map((name) => [renamed(name), `drop table ${renamed(name)}`]),
);

/** Selects the names of all tables, by the engine. */
export const selectTables = {
  sqlite: "select name from sqlite_schema where type = 'table'",
  postgres: 'select table_name as name from information_schema.tables where table_schema = current_schema()',
} as const;

/** A table that tells whether the old tables have been renamed. */
export const renamedTable = renamed('object');

/** On PostgreSQL, the bytes that the old tables take with their indexes, under either name. */
export const selectOldBytes = `select coalesce(sum(pg_catalog.pg_total_relation_size(c.oid)), 0)::bigint as bytes
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname = current_schema() and c.relkind = 'r'
    and c.relname in (${names.flatMap((name) => [name, renamed(name)].map((each) => `'${each}'`)).join(', ')})`;

/** The names of the table with the wrapped sealing keys, after and before. */
export const sealingKeyTables: readonly string[] = [renamed('sealing_key'), 'sealing_key'];

export const selectObjects = `select seq, id, grp, object_type, version, attributes, sealed
  from ${renamed('object')} where seq > $1 order by seq limit $2`;
export const selectUniqueKeys = `select object, grp, name from ${renamed('unique_key')}
  where object > $1 and object <= $2`;
export const selectRecords = `select seq, kind, id, grp, version, expires, sealed from ${renamed('record')}
  where seq > $1 order by seq limit $2`;
export const selectClients = `select name, grp, role, fingerprint, disabled, enrolled_at, certificate
  from ${renamed('client')}`;
export const selectTotals = `select (select count(*) from ${renamed('record')}) as record,
  (select count(*) from ${renamed('client')}) as client, (select count(*) from ${renamed('object')}) as object`;
export const selectVersion = 'select coalesce(max(version), 0) as version from migration';

/** One row when there are so many old objects ($1), records ($2) and clients ($3), and new records ($4). */
export const hasCounts = `select 1 as one where (select count(*) from ${renamed('object')}) = $1
  and (select count(*) from managed_object) = $1
  and (select count(*) from ${renamed('record')}) = $2
  and (select count(*) from ${renamed('client')}) = $3
  and (select count(*) from sealed_record) = $4`;

/** The statements of each version of the schema, by which a database of an older one is completed. */
export const oldSchema: readonly ((dialect: Dialect) => readonly string[])[] = [
  ({ serial, integer, blob, tableEnd, clusteredEnd }) => [
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
    `create table term (
      id ${serial},
      grp text not null,
      attribute text not null,
      field text not null,
      unique (grp, attribute, field)
    )${tableEnd}`,
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
  ({ integer, blob, tableEnd }) => [
    `create table client (
      name text not null primary key,
      grp text not null,
      role text not null,
      fingerprint text not null unique,
      disabled ${integer} not null,
      enrolled_at ${integer} not null,
      certificate text not null
    )${tableEnd}`,
    `create table sealing_key (
      id ${integer} not null primary key,
      wrapped ${blob} not null,
      created_at ${integer} not null
    )${tableEnd}`,
  ],
  ({ serial, integer, blob, tableEnd }) => [
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
  () => ['create unique index object_by_group_and_id on object (grp, id)'],
];
