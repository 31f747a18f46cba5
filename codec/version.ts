/** Protocol versions in ascending order. Adding one here is the first step of supporting it. */
export const versions = ['1.0', '1.1', '1.2', '1.3', '1.4', '2.0', '2.1'] as const;

/** A supported protocol version. */
export type Version = (typeof versions)[number];

/** The two forms that attributes have had on the wire; `eras.ts` has every difference between them. */
export type Era = '1.x' | '2.x';

/** The newest supported version. */
export const newestVersion: Version = '2.1';
/** The oldest supported version. */
export const oldestVersion: Version = '1.0';

const rank = new Map<Version, number>(versions.map((version, index) => [version, index]));

/** Compares two versions for `Array.sort`: negative, zero or positive. */
export function compareVersions(a: Version, b: Version): number {
  return (rank.get(a) ?? 0) - (rank.get(b) ?? 0);
}

/**
 * Whether `version` is in the range `since`…`until`, both included; without `until` there is no upper end.
 */
export function isWithin(version: Version, since: Version, until?: Version): boolean {
  return (
    compareVersions(version, since) >= 0 && (until === undefined || compareVersions(version, until) <= 0)
  );
}

/** The era of a version. */
export function eraOf(version: Version): Era {
  return version.startsWith('1.') ? '1.x' : '2.x';
}

/** The supported version with these numbers, if there is one. */
export function versionOf(major: number, minor: number): Version | undefined {
  return versions.find((version) => version === `${major}.${minor}`);
}

/** Major and minor number of a version, as in a ProtocolVersion structure. */
export function versionNumbers(version: Version): { major: number; minor: number } {
  const [major, minor] = version.split('.');
  return { major: Number(major), minor: Number(minor) };
}

/**
 * Version in which to refuse a request of an unsupported version: the newest of the same major, else the
 * newest of all.
 */
export function closestVersion(major: number): Version {
  return versions.findLast((version) => version.startsWith(`${major}.`)) ?? newestVersion;
}
