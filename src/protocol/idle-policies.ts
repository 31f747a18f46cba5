import { closestMatch } from '../common/suggest.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { authorityKeyKind, findAuthorityKey } from '../operations/authority-records.ts';
import type { Store } from '../store/store.ts';
import type { Vault } from '../vault/vault.ts';
import { type IssuerSummary, RevocationLists } from './revocation-lists.ts';
import { UnitOfWork } from './unit-of-work/unit-of-work.ts';

/** Naming policies that bind no authority, because their identifier is none of a certificate. */
export interface IdlePolicies {
  /** The entries of `authorities`, each with the issuer that is probably meant. */
  readonly policies: readonly { readonly issuer: string; readonly probablyMeant?: string | undefined }[];
  /** The issuers that policies can be for; not looked for when there is no idle policy. */
  readonly issuers: readonly IssuerSummary[];
}

/** Where authorities are looked for. */
export interface AuthoritySource {
  readonly store: Store;
  /** Must be unsealed. */
  readonly vault: Vault;
  readonly crypto: CryptoProvider;
  /** Groups whose issuers can be meant. */
  groups(): Promise<readonly string[]>;
}

/**
 * Finds the entries of `authorities` that name no certificate of an authority in any group, and none that was
 * there before: such a policy binds nobody (docs/decisions/36-certificate-authority.md).
 * @throws {StoreUnavailableError} and {VaultUnavailableError} when objects cannot be read.
 */
export async function findIdlePolicies(
  authorities: Iterable<string>,
  source: AuthoritySource,
): Promise<IdlePolicies> {
  const idle: string[] = [];
  for (const id of authorities) if (!(await isAuthority(id, source))) idle.push(id);
  if (idle.length === 0) return { policies: [], issuers: [] };
  const lists = new RevocationLists(source.store, source.vault, source.crypto, Date.now);
  const issuers: IssuerSummary[] = [];
  for (const group of await source.groups()) issuers.push(...(await lists.issuers(group)));
  return { policies: idle.map((issuer) => ({ issuer, probablyMeant: findMeant(issuer, issuers) })), issuers };
}

/** Looks in the one group that has, or had, an object of that identifier. */
async function isAuthority(id: string, { store, vault, crypto }: AuthoritySource): Promise<boolean> {
  const unit = new UnitOfWork(store, vault, { uniqueNames: false, now: Math.floor(Date.now() / 1000) });
  const group = (await unit.record(authorityKeyKind, id))?.group ?? (await store.groupOf(id));
  if (group === undefined) return false;
  unit.actFor(group);
  return (await findAuthorityKey(id, { work: unit.layer(), crypto })) !== undefined;
}

/** Compares with identifiers, subjects and the values in them: operators also write names. */
function findMeant(text: string, issuers: readonly IssuerSummary[]): string | undefined {
  const spellings = new Map<string, string>();
  for (const { id, subject } of issuers)
    for (const spelling of [id, subject, ...subject.split(/[=,]/)]) spellings.set(spelling, id);
  const closest = closestMatch(text, spellings.keys());
  return closest === undefined ? undefined : spellings.get(closest);
}
