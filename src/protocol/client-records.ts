import { readJson } from '../common/json.ts';
import { jobKinds } from '../operations/asynchronous/jobs.ts';
import { ticketKind } from '../operations/enrolment.ts';
import { reservedNameKind } from '../operations/name-rights.ts';
import { applicationKind } from '../operations/pkcs11/pkcs-11-application.ts';
import type { Store } from '../store/store.ts';
import type { Vault } from '../vault/vault.ts';
import { endpointKind } from './endpoints/endpoint-settings.ts';
import { deleteRecord } from './unit-of-work/record-boxes.ts';
import { UnitOfWork } from './unit-of-work/unit-of-work.ts';

/**
 * Kinds of the records whose content names a client, each with the kinds that have records of the same id
 * beside it.
 */
const ownedKinds: Readonly<Record<string, readonly string[]>> = {
  [ticketKind]: [],
  [jobKinds.pending]: [jobKinds.message],
  [jobKinds.waiting]: [jobKinds.message],
  [jobKinds.done]: [jobKinds.answers],
  [applicationKind]: [],
  [reservedNameKind]: [],
};

/** More records than any database has. */
const everyRecord = 100_000_000;

/**
 * Deletes the record with the name of a client that is removed or enrolled, because another client had the
 * name or may get it.
 */
export function deleteNamedRecords(store: Store, vault: Vault, client: string): Promise<void> {
  return deleteRecord(store, vault, endpointKind, client);
}

/**
 * Deletes tickets, pending requests, their answers, PKCS#11 applications and reserved Names of a client that
 * is removed. The server would not honour them any more, but answers hold keys. A daemon may be at work on
 * the same database. Rejects while the vault is sealed.
 */
export async function deleteOwnedRecords(
  store: Store,
  vault: Vault,
  { name, group }: { readonly name: string; readonly group: string },
): Promise<void> {
  const unit = new UnitOfWork(store, vault, { uniqueNames: false, now: 0 });
  for (const [kind, beside] of Object.entries(ownedKinds)) {
    for (const record of await unit.everyRecord(kind, everyRecord)) {
      if (record.group !== group || readJson<{ client: string }>(record.content).client !== name) continue;
      for (const each of [kind, ...beside]) await deleteRecord(store, vault, each, record.id);
    }
  }
}
