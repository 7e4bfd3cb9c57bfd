import { expect, it } from 'vitest';
import { abis } from '../../chain/index.ts';
import { CALL_NAMES, FIELD_NAMES } from './call-names.ts';

type Item = { readonly type: string; readonly name?: string; readonly inputs?: readonly { readonly name?: string }[] };
const functionsOf = (contract: string): readonly Item[] => ((abis as Readonly<Record<string, readonly Item[]>>)[contract] ?? []).filter(({ type }) => type === 'function');

it('has words for functions that there are, and for fields of theirs', () => {
  const named = Object.keys(CALL_NAMES).map((key) => key.split('.'));
  for (const [contract = '', name = ''] of named) expect(functionsOf(contract).map((one) => one.name), contract).toContain(name);
  const fields = new Set(named.flatMap(([contract = '', name]) => functionsOf(contract).filter((one) => one.name === name).flatMap(({ inputs = [] }) => inputs.map((input) => input.name))));
  for (const field of Object.keys(FIELD_NAMES)) expect([...fields]).toContain(field);
});
