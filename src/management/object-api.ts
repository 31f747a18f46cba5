import type { Provenance } from '../object/provenance.ts';
import type { PurgedPage } from '../protocol/purge.ts';
import type { RecipientCandidate } from '../protocol/recipient-directory.ts';
import type { RestorablePage, RestoredObject } from '../protocol/restorable-directory.ts';

/** A key as `RecipientCandidate` has it, with the part of its history that operators see. */
export interface KeySummary extends Omit<RecipientCandidate, 'fingerprint' | 'provenance'> {
  readonly born: Provenance['born'];
  readonly shown: Provenance['shown'];
  /**
   * SHA-256 of the key, in hexadecimal; null where it could help to guess a value: of what cannot be a
   * recipient, and, but for public keys, for roles that mark none.
   */
  readonly fingerprint: string | null;
}

interface Identified {
  readonly id: string;
}

/** The methods about objects. */
export interface ObjectApi {
  'object.show': { readonly params: Identified; readonly result: KeySummary };
  /** Marks the key of that fingerprint as recipient. */
  'object.mark': {
    readonly params: Identified & { readonly fingerprint: string };
    readonly result: KeySummary;
  };
  'object.unmark': { readonly params: Identified; readonly result: object };
  /** Purges one page of the objects that were destroyed until then (POSIX seconds), see `purgePage`. */
  'object.purge': {
    readonly params: { readonly after: number; readonly destroyedUntil: number; readonly dryRun: boolean };
    readonly result: PurgedPage;
  };
  /** Lists some of the destroyed objects in their waiting period, see `RestorableDirectory.list`. */
  'object.restorable': { readonly params: { readonly after: number }; readonly result: RestorablePage };
  /** Makes one of them what it was before. */
  'object.restore': { readonly params: Identified; readonly result: RestoredObject };
}
