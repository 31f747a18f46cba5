import { ProtocolVersion } from '../../../codec/envelope.ts';
import { many, struct } from '../../../codec/schema.ts';
import { versionNumbers, versions } from '../../../codec/version.ts';
import { operation, server } from '../operation.ts';

/** Discover Versions (KMIP 2.1 §6.1.16, 1.4 §4.26): the versions that both sides support, newest first. */
export const DiscoverVersions = operation({
  name: 'DiscoverVersions',
  since: '1.1',
  request: struct({ ProtocolVersion: many(ProtocolVersion) }),
  response: struct({ ProtocolVersion: many(ProtocolVersion) }),
  target: server(),
  limitedRight: 'public',
  handle({ ProtocolVersion: requested }) {
    const supported = versions.toReversed().map((version): ProtocolVersion => {
      const { major, minor } = versionNumbers(version);
      return { ProtocolVersionMajor: major, ProtocolVersionMinor: minor };
    });
    const common = supported.filter((mine) => requested.some((theirs) => isSameVersion(mine, theirs)));
    return { ProtocolVersion: requested.length === 0 ? supported : common };
  },
});

function isSameVersion(a: ProtocolVersion, b: ProtocolVersion): boolean {
  return (
    a.ProtocolVersionMajor === b.ProtocolVersionMajor && a.ProtocolVersionMinor === b.ProtocolVersionMinor
  );
}
