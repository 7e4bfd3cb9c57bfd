/** A protocol's name and version, as its id has it: `/omni/stage/1.2.0`. */
interface ProtocolVersion {
  readonly name: string;
  /** What must be equal for two nodes to understand each other: before 1.0.0 the minor number is part of it (semver.org, 4). */
  readonly major: string;
  readonly minor: number;
}

export type Spoken =
  | { readonly kind: 'compatible'; readonly protocol: string }
  | { readonly kind: 'other major'; readonly protocol: string };

const VERSIONED = /^(\/.+)\/(\d{1,6})\.(\d{1,6})\.\d{1,6}$/;

/**
 * What a peer that does not have `wanted` speaks of the same protocol: another minor version, which adds to what we know and takes nothing
 * away, or another major one only. Undefined where it speaks none, or the id carries no version.
 */
export function spokenInstead(wanted: string, protocols: readonly string[]): Spoken | undefined {
  const ours = parse(wanted);
  if (ours === undefined) return undefined;
  const same = protocols.flatMap((protocol) => {
    const theirs = parse(protocol);
    return theirs?.name === ours.name ? [{ ...theirs, protocol }] : [];
  });
  const compatible = same.filter(({ major }) => major === ours.major).sort((a, b) => distance(a, ours) - distance(b, ours))[0];
  if (compatible !== undefined) return { kind: 'compatible', protocol: compatible.protocol };
  const other = same[0];
  return other === undefined ? undefined : { kind: 'other major', protocol: other.protocol };
}

const distance = (a: ProtocolVersion, b: ProtocolVersion): number => Math.abs(a.minor - b.minor);

function parse(protocol: string): ProtocolVersion | undefined {
  const [, name, major, minor] = VERSIONED.exec(protocol) ?? [];
  if (name === undefined || major === undefined || minor === undefined) return undefined;
  return Number(major) === 0 ? { name, major: `0.${Number(minor)}`, minor: 0 } : { name, major: String(Number(major)), minor: Number(minor) };
}
