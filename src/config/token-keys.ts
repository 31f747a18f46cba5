import { ConfigValueError, readText, readTexts, type ValueReader } from './values.ts';

/** The section `[tokenKeys]`: a token in which keys of clients are made. */

/** A validation of the token that Query states, with the names of KMIP. */
export interface TokenValidation {
  readonly authority: 'NISTCMVP' | 'CommonCriteria';
  readonly major: number;
  readonly minor?: number | undefined;
  readonly level: number;
  readonly certificate?: string | undefined;
}

export interface TokenKeySettings {
  /** A URI of RFC 7512; relative paths start at the home. Undefined: no keys are made in a token. */
  readonly token: string | undefined;
  /** Groups whose new keys are all made there; `*` is every group. */
  readonly groups: readonly string[];
  readonly processes: number;
  readonly validations: readonly TokenValidation[];
}

/** Reads the URI of a token. No message repeats it: a PIN may stand where it does not belong. */
export const readTokenUri: ValueReader<string> = (value, directory) => {
  const text = readText(value, directory);
  if (/^pkcs11:/i.test(text)) return text;
  throw new ConfigValueError('must begin with "pkcs11:"; docs/tokens.md has the attributes');
};

const validation = /^(NISTCMVP|CommonCriteria) (\d{1,4})(?:[-.](\d{1,4}))? (\d{1,2})(?: (\S{1,64}))?$/;

/** Reads validations, such as `NISTCMVP 140-3 3 4000`: FIPS 140-3, level 3, certificate 4000. */
export const readValidations: ValueReader<readonly TokenValidation[]> = (value, directory) =>
  readTexts(value, directory).map((text) => {
    const [, authority, major, minor, level, certificate] = validation.exec(text) ?? [];
    if (authority === undefined)
      throw new ConfigValueError(
        'must be a list of "AUTHORITY VERSION LEVEL CERTIFICATE", such as "NISTCMVP 140-3 3 4000" or "CommonCriteria 3.1 4"',
      );
    return {
      authority: authority as TokenValidation['authority'],
      ...{ major: Number(major), level: Number(level), certificate },
      minor: minor === undefined ? undefined : Number(minor),
    };
  });
