import {
  type ClientEntry,
  clientCertificateKind,
  clientKind,
  readCertificateEntry,
  readClientEntry,
  writeCertificateEntry,
  writeClientEntry,
} from '../../identity/client-entry.ts';
import type { EnrolmentChange } from '../../identity/enrolment.ts';

/** The part of a unit of work that reads and writes clients: what was read must be so at the commit. */
export interface EntryUnit {
  record(kind: string, id: string): Promise<{ readonly content: Uint8Array } | undefined>;
  putRecord(kind: string, id: string, group: string, content: Uint8Array): void;
  removeRecord(kind: string, id: string): void;
}

/** Loads the entry of a client; undefined when there is none of that name. */
export async function loadClientEntry(unit: EntryUnit, name: string): Promise<ClientEntry | undefined> {
  const record = await unit.record(clientKind, name);
  return record && readClientEntry(record.content);
}

/** Loads the entry of the client that is enrolled with a certificate; undefined when there is none. */
export async function loadCertifiedEntry(
  unit: EntryUnit,
  fingerprint: string,
): Promise<ClientEntry | undefined> {
  const record = await unit.record(clientCertificateKind, fingerprint);
  const entry = record && (await loadClientEntry(unit, readCertificateEntry(record.content)));
  return entry?.fingerprint === fingerprint ? entry : undefined;
}

/** Stores an entry in place of the one that was loaded, if there was one. */
export function putClientEntry(unit: EntryUnit, entry: ClientEntry): void {
  unit.putRecord(clientKind, entry.name, entry.group, writeClientEntry(entry));
}

/**
 * Stores which client a certificate belongs to; whether it belongs to one must have been loaded. The record
 * is of no group: it may have named a client of another one.
 */
export function putCertificate(unit: EntryUnit, { name, fingerprint }: ClientEntry): void {
  unit.putRecord(clientCertificateKind, fingerprint, '', writeCertificateEntry(name));
}

/**
 * Replaces the certificate of a client; false when it is not enrolled with the certificate before any more,
 * is disabled, or the new certificate is enrolled.
 */
export async function replaceCertificate(unit: EntryUnit, change: EnrolmentChange): Promise<boolean> {
  const { client, group, before, fingerprint, certificate } = change;
  const entry = await loadCertifiedEntry(unit, before);
  if (entry === undefined || entry.name !== client || entry.group !== group || entry.disabled) return false;
  if ((await loadCertifiedEntry(unit, fingerprint)) !== undefined) return false;
  const next = { ...entry, fingerprint, certificate };
  unit.removeRecord(clientCertificateKind, before);
  putClientEntry(unit, next);
  putCertificate(unit, next);
  return true;
}
