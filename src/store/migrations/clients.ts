import type { Migration } from './migration.ts';

/** Enrolled clients, and the sealing keys as the root key wrapped them. */
export const clientsAndSealingKeys: Migration = {
  version: 2,
  name: 'clients and sealing keys',
  statements: ({ integer, blob, tableEnd }) => [
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
};
