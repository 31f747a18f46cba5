/** What an operator allows authorities and their keys to do: `[certification]` and `[authorities]`. */
export interface CertificationRules {
  /** Policies for names, by the Unique Identifier of the certificate of the authority. */
  readonly authorities: ReadonlyMap<string, NamingPolicy>;
  /** True: authorities that `authorities` does not list issue nothing. */
  readonly onlyListedAuthorities: boolean;
  /** True: private keys with CertificateSign or CRLSign also sign, decrypt and derive what clients state. */
  readonly authorityKeysForData: boolean;
}

/** The rules of a configuration that states none. */
export const defaultCertificationRules: CertificationRules = {
  authorities: new Map(),
  onlyListedAuthorities: false,
  authorityKeysForData: false,
};

/** Kinds of alternative names that a policy can judge; otherName is allowed by its type. */
export const alternativeNameKinds = ['dns', 'ip', 'email', 'uri', 'directory'] as const;
export type AlternativeNameKind = (typeof alternativeNameKinds)[number];

/**
 * The names that an authority, and every authority below it, may certify. Host names are in lower case and
 * ASCII (A-labels), without the dot of the root.
 */
export interface NamingPolicy {
  /** Domains: the name itself and all names below it, without wildcards. */
  readonly domains: readonly string[];
  /** Names that are allowed exactly as they stand, also wildcards such as `*.example.com`. */
  readonly hosts: readonly string[];
  /** Networks of IPv4 and IPv6: `ADDRESS/BITS`. */
  readonly networks: readonly string[];
  readonly alternativeNames: readonly AlternativeNameKind[];
  /** Object identifiers of the types of otherName that are allowed, whatever their values. */
  readonly otherNames: readonly string[];
  /**
   * `hosts`: each Common Name of an end entity is a host name or address within the lists; `any`: only those
   * that look like one, or like an e-mail address, must be.
   */
  readonly commonName: (typeof commonNameRules)[number];
  /** True: clients may have authorities certified below, whose keys cannot leave the server. */
  readonly subordinates: boolean;
}

export const commonNameRules = ['any', 'hosts'] as const;
