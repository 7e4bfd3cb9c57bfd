import { formatUnits } from 'viem';
import { FAULTS, WARNINGS } from '../../api/index.ts';
import type { Row, Subject } from '../../chain/index.ts';

/** What is signed, for a terminal: nothing of it is left out. */
export function subjectLines(subject: Subject): readonly string[] {
  const { chain, warnings } = subject;
  return [
    `chain      ${chain.name} (${chain.chainId})${chain.kind === 'embedded' ? ', a test chain: SUM is worth nothing' : ''}`,
    ...bodyOf(subject), `spends     ${formatUnits(subject.spends, 18)} SUM`, ...warnings.map((warning) => `WARNING    ${WARNINGS[warning]}`),
  ];
}

function bodyOf(subject: Subject): readonly string[] {
  switch (subject.kind) {
    case 'batch': {
      const { batch, calls, simulation } = subject;
      const steps = calls.flatMap(({ call, contract, name, rows }, index) => [
        `${index + 1}. ${contract === undefined ? `unknown call to ${call.to}: ${call.data}` : `${contract}.${name ?? ''}`}${call.value === 0n ? '' : `, with ${formatUnits(call.value, 18)} coins`}`,
        ...rows.map((row) => `     ${row.name}: ${row.value}${noteOf(row)}`),
      ]);
      return [`account    ${batch.from}`, ...steps, `fee        at most ${formatUnits(batch.maxFeeWei, 18)} coins`, `tried      ${simulation.outcome}${simulation.reason === undefined ? '' : `: ${simulation.reason}`}`];
    }
    case 'binding': return [
      `gives      this node to ${subject.from}`, `node       ${subject.peer}`, `     on the chain: ${subject.nodeId}`, `     contract: ${subject.registry} (NodeRegistry), number ${subject.nonce}`,
      'means      stake, pay and rewards of this node belong to that account from then on, and it alone stakes, takes back, withdraws and claims for it', `signs      ${subject.message}, with the node's identity`,
    ];
    case 'message': return [`account    ${subject.from}`, `message    ${subject.text ?? subject.bytes}`];
    case 'typed': return [`account    ${subject.from}`, `signs      ${subject.primaryType}`, ...[...subject.domain, ...subject.rows].map((row) => `     ${row.name}: ${row.value}`)];
  }
}

function noteOf({ note }: Row): string {
  switch (note?.kind) {
    case undefined: return '';
    case 'sum': return ` (${note.amount} SUM)`;
    case 'text': return ` ("${note.text}")`;
    case 'fault': return ` (${FAULTS[note.evidence]}${note.sessionIds.length === 0 ? '' : `: ${note.sessionIds.join(', ')}`})`;
    case 'contract': return ` (${note.name})`;
    case 'own': return ' (this account)';
  }
}
