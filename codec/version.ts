/** Protocol versions in ascending order. Adding one here is the first step of supporting it. */
export const versions = ['1.0', '1.1', '1.2', '1.3', '1.4', '2.0', '2.1'] as const;

export type Version = (typeof versions)[number];

/** The two shapes attributes have had on the wire; every difference between them stands in `eras.ts`. */
export type Era = '1.x' | '2.x';

export const newestVersion: Version = '2.1';
export const oldestVersion: Version = '1.0';

const rank = new Map<Version, number>(versions.map((version, index) => [version, index]));

/** Negative, zero or positive, as for `Array.sort`. */
export function compareVersions(a: Version, b: Version): number {
  return (rank.get(a) ?? 0) - (rank.get(b) ?? 0);
}

/** Whether `version` lies in `since`…`until`, both included. */
export function isWithin(version: Version, since: Version, until?: Version): boolean {
  return (
    compareVersions(version, since) >= 0 && (until === undefined || compareVersions(version, until) <= 0)
  );
}

export function eraOf(version: Version): Era {
  return version.startsWith('1.') ? '1.x' : '2.x';
}

/** The supported version with these numbers, if there is one. */
export function versionOf(major: number, minor: number): Version | undefined {
  return versions.find((version) => version === `${major}.${minor}`);
}

/** Major and minor as they stand in a ProtocolVersion structure. */
export function versionNumbers(version: Version): { major: number; minor: number } {
  const [major, minor] = version.split('.');
  return { major: Number(major), minor: Number(minor) };
}

/** Version in which to refuse a request of an unsupported one: the newest of that major, else the newest of all. */
export function closestVersion(major: number): Version {
  return versions.findLast((version) => version.startsWith(`${major}.`)) ?? newestVersion;
}
