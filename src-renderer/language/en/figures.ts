const some = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

/** Figures with their units, and what is told of an answer with them. */
export const figures = {
  bytes: (value: string, power: number) => `${value} ${['B', 'KB', 'MB', 'GB', 'TB'][power] ?? ''}`,
  ms: (value: string) => `${value} ms`,
  seconds: (value: string) => `${value} s`,
  layer: (only: number) => `Layer ${only}`,
  layers: (first: number, last: number) => `Layers ${first}–${last}`,
  stages: (count: number) => some(count, 'stage', 'stages'),
  peers: (count: number) => some(count, 'peer', 'peers'),
  tokensPerSecond: (value: string) => `${value} tok/s`,
  firstToken: (time: string) => `first token ${time}`,
  stopped: 'Stopped',
  cutAtLimit: 'Cut at the token limit',
  cutAtContext: 'Cut: context is full',
  underWay: (count: number) => `${some(count, 'answer', 'answers')} under way`,
  waiting: (count: number) => `${count} waiting`,
  betweenTokens: (half: string, most: string) => `${half} between tokens (1 in 100 over ${most})`,
  strangersSee: (count: number) => `${count === 1 ? '1 stranger’s machine sees' : `${count} strangers’ machines see`} hidden states of this chat.`,
  strangersWillSee: (count: number) => `${count === 1 ? '1 stranger’s machine' : `${count} strangers’ machines`} will see hidden states of this chat.`,
  onlyThisSees: 'Only this machine sees this chat.',
  onlyThisWillSee: 'Only this machine will see this chat.',
  onlyYoursSee: 'Only your machines see this chat.',
  onlyYoursWillSee: 'Only your machines will see this chat.',
  nextInLine: 'All places are taken. Yours is the next answer …',
  ahead: (count: number) => `All places are taken. ${count} ${count === 1 ? 'answer comes' : 'answers come'} before yours …`,
} as const;
