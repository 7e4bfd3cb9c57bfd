import { hashTypedData, type TypedDataDefinition } from 'viem';
import { z } from 'zod';
import { firstIssue } from '../../../base/index.ts';
import type { Hex } from '../../types.ts';
import { walletErrors } from '../errors.ts';
import { ALL_SUM } from '../options.ts';
import { VOUCHER_DOMAIN } from '../signing.ts';
import type { TypedSubject, Warning } from '../types.ts';
import { contractAt, isSame, RowList, type Viewer } from './rows.ts';

const MAX_DEPTH = 10;
const METHOD = 'eth_signTypedData_v4';
const name = z.string().regex(/^[A-Za-z_$][\w$]{0,99}$/);
const fields = z.array(z.object({ name, type: z.string().regex(/^[A-Za-z_$][\w$]{0,99}(\[\d{0,4}\]){0,4}$/) })).max(64);
const typedSchema = z.object({
  types: z.record(name, fields).refine((types) => Object.keys(types).length <= 32, 'more than 32 types'),
  primaryType: name.refine((type) => type !== 'EIP712Domain', 'is the domain'),
  domain: z.strictObject({
    name: z.string().max(200).exactOptional(), version: z.string().max(50).exactOptional(),
    chainId: z.union([z.number().int().min(0), z.string().regex(/^(0x[0-9a-fA-F]{1,16}|\d{1,16})$/)]).transform(Number).exactOptional(),
    verifyingContract: z.string().regex(/^0x[0-9a-fA-F]{40}$/).exactOptional(), salt: z.string().regex(/^0x[0-9a-fA-F]{64}$/).exactOptional(),
  }),
  message: z.record(z.string().max(100), z.unknown()),
});
type Typed = z.infer<typeof typedSchema>;

/** In the order of EIP-712. */
const DOMAIN = { name: 'string', version: 'string', chainId: 'uint256', verifyingContract: 'address', salt: 'bytes32' } as const;

/** EIP-712, as its owner is shown it. Only what the types name is shown, because nothing else is signed. Throws WALLET_BAD_PARAMS, WALLET_TOO_MUCH. */
export function describeTyped(input: unknown, viewer: Viewer): TypedSubject {
  const typed = withNamedOnly(withDomainType(parsed(input)));
  const { domain, primaryType } = typed;
  const [shownDomain, shown] = [new RowList(viewer), new RowList(viewer)];
  for (const { name: field, type } of fieldsIn(typed.types, 'EIP712Domain') ?? []) shownDomain.add({ name: field, type, value: domain[field as keyof typeof DOMAIN] });
  for (const { name: field, type } of fieldsIn(typed.types, primaryType) ?? []) shown.add({ name: field, type, value: typed.message[field], isSum: field === 'value' && isSumPermit(typed, viewer) });
  const isVoucher = isOurVoucher(typed, viewer);
  const { kind, chainId, name: chainName } = viewer.network;
  return {
    kind: 'typed', chain: { kind, chainId, name: chainName }, from: viewer.own, primaryType, hash: hashed(typed),
    domain: shownDomain.rows, rows: shown.rows, isVoucher, spends: permitted(typed, viewer), warnings: warningsOf(typed, viewer),
  };
}

function parsed(input: unknown): Typed {
  const value = typeof input === 'string' ? json(input) : input;
  const result = typedSchema.safeParse(value);
  if (!result.success) throw bad(firstIssue(result.error));
  return result.data;
}

const bad = (reason: string): Error => walletErrors.badParams({ method: METHOD, reason });

function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw bad('is not JSON');
  }
}

/** Not what every object has: `constructor` is no type. */
const fieldsIn = (types: Typed['types'], type: string): z.infer<typeof fields> | undefined => (Object.hasOwn(types, type) ? types[type] : undefined);

/** A domain whose type leaves out what the domain says would be shown and not signed. */
function withDomainType(typed: Typed): Typed {
  const needed = Object.entries(DOMAIN).filter(([field]) => typed.domain[field as keyof typeof DOMAIN] !== undefined).map(([field, type]) => ({ name: field, type }));
  const given = fieldsIn(typed.types, 'EIP712Domain');
  if (given !== undefined && JSON.stringify(given.map(({ name: field, type }) => ({ name: field, type }))) !== JSON.stringify(needed)) throw bad('EIP712Domain does not name what the domain holds');
  return { ...typed, types: { ...typed.types, EIP712Domain: needed } };
}

function hashed(typed: Typed): Hex {
  try {
    return hashTypedData(typed as object as TypedDataDefinition);
  } catch {
    throw bad('a value does not fit its type');
  }
}

/** The message without what its types do not name, and each value as it will be signed. */
const withNamedOnly = (typed: Typed): Typed => ({ ...typed, message: struct({ types: typed.types, type: typed.primaryType, value: typed.message, depth: 0 }) });

interface Valued {
  readonly types: Typed['types'];
  readonly type: string;
  readonly value: unknown;
  readonly depth: number;
}

function struct({ types, type, value, depth }: Valued): Record<string, unknown> {
  const known = fieldsIn(types, type);
  if (known === undefined || typeof value !== 'object' || value === null) throw bad(`${type} is not described, or has no value`);
  return Object.fromEntries(known.map((field) => {
    const part = Object.hasOwn(value, field.name) ? (value as Record<string, unknown>)[field.name] : undefined;
    return [field.name, valueOf({ types, type: field.type, value: part, depth: depth + 1 })];
  }));
}

function valueOf({ types, type, value, depth }: Valued): unknown {
  if (depth > MAX_DEPTH) throw bad('values lie too deep in each other');
  const [, element] = /^(.*)\[\d*\]$/.exec(type) ?? [];
  if (element === undefined) return fieldsIn(types, type) === undefined ? leaf(type, value) : struct({ types, type, value, depth });
  if (!Array.isArray(value)) throw bad(`${type} needs a list`);
  return value.map((part: unknown) => valueOf({ types, type: element, value: part, depth: depth + 1 }));
}

/** A number as text or as a number that JavaScript has exactly: what is shown is what is signed. */
function leaf(type: string, value: unknown): unknown {
  if (/^u?int\d{0,3}$/.test(type)) {
    const isNumber = typeof value === 'string' ? /^(-?\d{1,78}|0x[0-9a-fA-F]{1,64})$/.test(value) : Number.isSafeInteger(value);
    if (isNumber) return BigInt(value as string | number);
  } else if (type === 'bool' ? typeof value === 'boolean' : type === 'string' && typeof value === 'string') return value;
  else if (type === 'address' ? isHexOf(value, 40) : /^bytes\d{0,2}$/.test(type) && isHexOf(value)) return value;
  throw bad(`a value does not fit ${type}`);
}

const isHexOf = (value: unknown, digits?: number): boolean => typeof value === 'string' && /^0x(?:[0-9a-fA-F]{2})*$/.test(value) && (digits === undefined || value.length === digits + 2);

function isOurVoucher({ domain, primaryType, types }: Typed, { network }: Viewer): boolean {
  const isType = JSON.stringify(fieldsIn(types, 'Voucher')) === JSON.stringify([{ name: 'sessionId', type: 'bytes32' }, { name: 'root', type: 'bytes32' }]);
  const isDomain = domain.name === VOUCHER_DOMAIN.name && domain.version === VOUCHER_DOMAIN.version && domain.chainId === network.chainId && domain.salt === undefined;
  return primaryType === 'Voucher' && isType && isDomain && isSame(domain.verifyingContract, network.contracts.Settlement);
}

/** Names under which a signature gives away what one has, in other tokens and markets too. */
const isPermit = ({ primaryType }: Typed): boolean => /permit|approv|allowance|transfer|order/i.test(primaryType);
const isSumPermit = ({ domain, primaryType }: Typed, { network }: Viewer): boolean => primaryType === 'Permit' && isSame(domain.verifyingContract, network.contracts.SumToken);

/** What an ERC-2612 permit of our token lets others take. */
function permitted(typed: Typed, viewer: Viewer): bigint {
  const { value } = typed.message;
  if (!isSumPermit(typed, viewer) || typeof value !== 'bigint') return 0n;
  return value < ALL_SUM ? value : ALL_SUM;
}

function warningsOf(typed: Typed, { network }: Viewer): readonly Warning[] {
  const { chainId, verifyingContract } = typed.domain;
  return [
    ...(isPermit(typed) ? ['permit'] as const : []),
    ...(chainId === network.chainId ? [] : ['other-chain'] as const),
    ...(verifyingContract !== undefined && contractAt(network, verifyingContract) !== undefined ? [] : ['unknown-domain'] as const),
  ];
}
