import type { ProfileName } from '../codec/enums.ts';
import type { Version } from '../codec/version.ts';

/** One OASIS profile for servers: its names in Query responses, and the conformance cases that verify it. */
export interface Profile {
  readonly name: string;
  /** Protocol versions whose profile document has the profile, with the Profile Name in Query responses. */
  readonly servers: Readonly<Partial<Record<Version, Exclude<ProfileName, number>>>>;
  /** Conformance cases without the version at the end of their names; `*` stands for any text. */
  readonly cases: readonly string[];
  /** Encoding of its cases over HTTPS, for a profile about HTTPS; left out: TTLV over TLS. */
  readonly encoding?: 'ttlv' | 'xml' | 'json';
  /**
   * Whether every case passes, so that Query may announce the profile. Tests compare with the expected
   * failures and the last run.
   */
  readonly supported: boolean;
  /** The missing feature of a profile that is not supported. */
  readonly missing?: string;
}
