export type Tone = 'good' | 'waiting' | 'bad';

export const StatusDot = ({ tone }: { readonly tone: Tone }) => <span className={`status-dot ${tone}`} aria-hidden="true" />;
