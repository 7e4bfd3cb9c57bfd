/** What a call of a contract that OmniNode knows does, in words; by contract and function. */
export const CALL_NAMES: Readonly<Record<string, string>> = {
  'SumToken.approve': 'Let a contract take SUM', 'SumToken.transfer': 'Send SUM',
  'NodeRegistry.bind': 'Bind this node to the account', 'NodeRegistry.unbind': 'Release this node from the account',
  'StakingContract.stake': 'Stake SUM', 'StakingContract.unstake': 'Unstake SUM', 'StakingContract.cancelUnbonding': 'Cancel unbonding', 'StakingContract.withdraw': 'Withdraw what is matured',
  'StakingContract.claim': 'Claim rewards', 'StakingContract.reward': 'Credit a reward', 'StakingContract.slash': 'Report a fault',
  'Settlement.openSession': 'Open a paid session', 'Settlement.post': 'Post a voucher', 'Settlement.claim': 'Collect the pay of a session', 'Settlement.refund': 'Take back what is left of a session',
  'RewardDistributor.submitFeedback': 'Score a session', 'RewardDistributor.distribute': 'Distribute rewards',
  'Settlement.refuse': 'Refuse a claim that was ruled wrong',
  'Committee.enlist': 'Offer this node for committees', 'Committee.delist': 'Take the node off the list for committees', 'Committee.openCase': 'Open a case against a node', 'Committee.addEvidence': 'Add evidence to a case',
  'Committee.draw': 'Draw the committee', 'Committee.commit': 'Vote, hidden', 'Committee.open': 'Open the vote', 'Committee.conclude': 'Conclude the case', 'Committee.withdraw': 'Take bonds and fees of committees',
};

/** What a field of such a call says, by its name in the contract. */
export const FIELD_NAMES: Readonly<Record<string, string>> = {
  spender: 'Who may take it', value: 'Amount', amount: 'Amount', to: 'Receiver', nodeId: 'Node', nodeIds: 'Node', caps: 'At most for node', durationS: 'Open for, seconds', salt: 'Random number',
  sessionId: 'Session', inferenceId: 'Session', index: 'Entry', score: 'Score, of 10^18', evidence: 'Evidence', commitment: 'Hidden vote', isWrong: 'The work is wrong', proof: 'Proof',
};
