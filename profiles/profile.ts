import type { ProfileName } from '../codec/enums.ts';
import type { Version } from '../codec/version.ts';

/** One OASIS profile for servers: what it is called on the wire, and what proves that it is kept. */
export interface Profile {
  readonly name: string;
  /** Protocol versions whose profile document has it, with the name that Query answers for that document. */
  readonly servers: Readonly<Partial<Record<Version, Exclude<ProfileName, number>>>>;
  /** Conformance cases without the version at the end of their names; `*` stands for any text. */
  readonly cases: readonly string[];
  /** What its cases travel in over HTTPS, where the profile is about that; plain TTLV over TLS when left out. */
  readonly encoding?: 'ttlv' | 'xml' | 'json';
  /** Every case of it passes, so it may be announced. Tests hold this against the expected failures and the last run. */
  readonly supported: boolean;
  /** What is missing where it is not kept. */
  readonly missing?: string;
}
